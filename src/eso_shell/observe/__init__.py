"""What the operator tells about itself: logs, metrics, and how late its event loop is."""
