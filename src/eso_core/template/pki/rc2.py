"""RC2 in CBC mode, decryption only: old PKCS#12 files have their certificates under it (source: RFC 2268).

``cryptography`` offers it for keys of 128 bits alone; the files use 40.
"""

from __future__ import annotations

_PI = bytes.fromhex(
    "d978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2"
    "179a59f587b34f1361456d8d09817d32bd8f40eb86b77b0bf09521225c6b4e82"
    "54d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb626"
    "6fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed7"
    "08e8eade8052eef784aa72ac354d6a2a961ad2715a1549744b9fd05e0418a4ec"
    "c2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731"
    "2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a9"
    "0d38341bab33ffb0bb480c5fb9b1cd2ec5f3db47e5a59c770aa62068fe7fc1ad"
)
_ROTATIONS = (1, 2, 3, 5)


def decrypt(key: bytes, iv: bytes, data: bytes) -> bytes:
    """``data`` is whole blocks of 8 bytes; the effective size of the key is its length."""
    words = _expand(key)
    out, before = bytearray(), int.from_bytes(iv, "big")
    for at in range(0, len(data), 8):
        block = data[at : at + 8]
        out += (int.from_bytes(_block(words, block), "big") ^ before).to_bytes(8, "big")
        before = int.from_bytes(block, "big")
    return bytes(out)


def _expand(key: bytes) -> list[int]:
    size = len(key)
    table = bytearray(key) + bytes(128 - size)
    for at in range(size, 128):
        table[at] = _PI[(table[at - 1] + table[at - size]) & 0xFF]
    table[128 - size] = _PI[table[128 - size]]
    for at in range(127 - size, -1, -1):
        table[at] = _PI[table[at + 1] ^ table[at + size]]
    return [table[at] | table[at + 1] << 8 for at in range(0, 128, 2)]


def _block(words: list[int], block: bytes) -> bytes:
    r = [block[at] | block[at + 1] << 8 for at in range(0, 8, 2)]
    for step in range(15, -1, -1):
        if step in (10, 4):
            for at in (3, 2, 1, 0):
                r[at] = (r[at] - words[r[at - 1] & 63]) & 0xFFFF
        for at in (3, 2, 1, 0):
            turn = _ROTATIONS[at]
            value = (r[at] >> turn | r[at] << (16 - turn)) & 0xFFFF
            before = r[at - 1]
            r[at] = (value - words[4 * step + at] - (before & r[at - 2]) - (~before & r[at - 3])) & 0xFFFF
    return b"".join(word.to_bytes(2, "little") for word in r)
