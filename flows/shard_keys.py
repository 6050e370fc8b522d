"""The names under which Bytewax knows the shards, chosen so that workers get equal shares.

Bytewax gives a key to worker hash(key) mod workers, the hash being SipHash-1-3 of the key's bytes
and one byte 0xFF. The name of shard i has a hash of i mod 240, so any number of workers that
divides 240 gets as many shards as any other, as far as the number of shards allows.

The names are stored in every state: this table is frozen.
"""

SHARDS_MOST = 240

# fmt: off
_SUFFIXES = (
    423, 438, 192, 62, 29, 88, 181, 11, 14, 213, 252, 100, 250, 672, 211, 358, 357, 581, 450,
    68, 291, 37, 304, 27, 308, 16, 321, 441, 444, 139, 361, 247, 431, 291, 1092, 33, 218, 59,
    238, 50, 259, 185, 113, 211, 37, 30, 178, 109, 16, 766, 6, 88, 320, 17, 445, 330, 83, 17,
    26, 102, 72, 220, 71, 136, 75, 27, 1315, 102, 196, 323, 681, 545, 54, 70, 63, 559, 637,
    413, 321, 52, 279, 25, 150, 451, 119, 272, 153, 225, 194, 436, 347, 44, 3, 34, 252, 282,
    190, 693, 299, 59, 307, 504, 246, 186, 175, 513, 222, 65, 198, 501, 2, 359, 28, 175, 5,
    377, 227, 0, 889, 664, 233, 641, 749, 94, 153, 173, 170, 152, 113, 106, 386, 86, 389, 637,
    376, 961, 290, 244, 37, 6, 32, 140, 66, 313, 73, 6, 161, 381, 200, 291, 268, 58, 30, 677,
    25, 499, 400, 224, 303, 157, 180, 77, 594, 330, 230, 106, 140, 141, 418, 351, 139, 2, 265,
    123, 38, 9, 113, 14, 614, 1022, 92, 472, 55, 23, 38, 534, 540, 13, 196, 39, 120, 125, 460,
    13, 44, 37, 71, 430, 147, 122, 303, 304, 343, 189, 59, 288, 64, 221, 235, 206, 71, 39,
    794, 352, 428, 188, 82, 285, 71, 75, 49, 78, 173, 108, 261, 85, 223, 183, 582, 573, 176,
    11, 342, 161, 44, 245, 542, 266, 325, 265,
)
# fmt: on


def shard_key(shard: int) -> str:
    """Return the name of a shard."""
    return f"shard-{shard}.{_SUFFIXES[shard]}"
