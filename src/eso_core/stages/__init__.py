"""One arrow of the data flow per file: due, needs, asks, decode, render, reconcile, settle. Pure and total."""
