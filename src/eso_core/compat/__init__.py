"""Byte-for-byte behaviour of the reference and of the Go libraries it is made of.

One concept a file. Every function is pure and total: bad input gives `Failure(text)`, never an exception, and `text` is what the
reference prints. Keys are `str`, values `bytes`. A `str` that came from invalid UTF-8 holds U+FFFD where Go would print it.
"""
