"""The conformance kit for providers: an author describes a backend in memory (:mod:`case`), one suite walks it (:mod:`suite`)."""
