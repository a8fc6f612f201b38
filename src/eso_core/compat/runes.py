"""Go's `unicode` package for Unicode 15.0, the version of Go 1.26: classes of runes, and their simple mappings of case.

Python's `unicodedata` follows the Python version, and `str.upper` maps one code point to several (`\u00df` to `SS`) where Go maps one to
one. Tables are in hexadecimal, both ends of a range inclusive; `/2` is a stride. A surrogate code point (which `surrogateescape`
puts in place of a byte that is not UTF-8) belongs to no class and maps to itself.

=============  ==============================================================================================================
`_PAIRS`       ranges in which upper and lower case alternate, beginning with upper (`unicode.UpperLower`)
`_DELTAS`      `range:upper,lower[,title]`: what to add for each case; title case is upper case unless given
=============  ==============================================================================================================
"""

import re
from collections.abc import Mapping
from functools import cache

from eso_core.compat.letters import character_class

# unicode.IsSpace
SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"

_UPPER = """
    41-5a c0-d6 d8-de 100-136/2 139-147/2 14a-178/2 179-17d/2 181-182 184-186/2 187-189/2 18a-18b 18e-191 193-194 196-198 19c-19d
    19f-1a0 1a2-1a6/2 1a7-1a9/2 1ac-1ae/2 1af-1b1/2 1b2-1b3 1b5-1b7/2 1b8-1bc/4 1c4-1cd/3 1cf-1db/2 1de-1ee/2 1f1-1f4/3 1f6-1f8
    1fa-232/2 23a-23b 23d-23e 241-243/2 244-246 248-24e/2 370-372/2 376-37f/9 386-388/2 389-38a 38c-38e/2 38f-391/2 392-3a1 3a3-3ab
    3cf-3d2/3 3d3-3d4 3d8-3ee/2 3f4-3f7/3 3f9-3fa 3fd-42f 460-480/2 48a-4c0/2 4c1-4cd/2 4d0-52e/2 531-556 10a0-10c5 10c7-10cd/6
    13a0-13f5 1c90-1cba 1cbd-1cbf 1e00-1e94/2 1e9e-1efe/2 1f08-1f0f 1f18-1f1d 1f28-1f2f 1f38-1f3f 1f48-1f4d 1f59-1f5f/2 1f68-1f6f
    1fb8-1fbb 1fc8-1fcb 1fd8-1fdb 1fe8-1fec 1ff8-1ffb 2102-2107/5 210b-210d 2110-2112 2115-2119/4 211a-211d 2124-212a/2 212b-212d
    2130-2133 213e-213f 2145-2183/62 2c00-2c2f 2c60-2c62/2 2c63-2c64 2c67-2c6d/2 2c6e-2c70 2c72-2c75/3 2c7e-2c80 2c82-2ce2/2
    2ceb-2ced/2 2cf2-a640/31054 a642-a66c/2 a680-a69a/2 a722-a72e/2 a732-a76e/2 a779-a77d/2 a77e-a786/2 a78b-a78d/2 a790-a792/2
    a796-a7aa/2 a7ab-a7ae a7b0-a7b4 a7b6-a7c4/2 a7c5-a7c7 a7c9-a7d0/7 a7d6-a7d8/2 a7f5-ff21/22316 ff22-ff3a 10400-10427 104b0-104d3
    10570-1057a 1057c-1058a 1058c-10592 10594-10595 10c80-10cb2 118a0-118bf 16e40-16e5f 1d400-1d419 1d434-1d44d 1d468-1d481
    1d49c-1d49e/2 1d49f-1d4a5/3 1d4a6-1d4a9/3 1d4aa-1d4ac 1d4ae-1d4b5 1d4d0-1d4e9 1d504-1d505 1d507-1d50a 1d50d-1d514 1d516-1d51c
    1d538-1d539 1d53b-1d53e 1d540-1d544 1d546-1d54a/4 1d54b-1d550 1d56c-1d585 1d5a0-1d5b9 1d5d4-1d5ed 1d608-1d621 1d63c-1d655
    1d670-1d689 1d6a8-1d6c0 1d6e2-1d6fa 1d71c-1d734 1d756-1d76e 1d790-1d7a8 1d7ca-1e900/4406 1e901-1e921
"""
_LOWER = """
    61-7a b5-df/42 e0-f6 f8-ff 101-137/2 138-148/2 149-177/2 17a-17e/2 17f-180 183-185/2 188-18c/4 18d-192/5 195-199/4 19a-19b
    19e-1a1/3 1a3-1a5/2 1a8-1aa/2 1ab-1ad/2 1b0-1b4/4 1b6-1b9/3 1ba-1bd/3 1be-1bf 1c6-1cc/3 1ce-1dc/2 1dd-1ef/2 1f0-1f3/3 1f5-1f9/4
    1fb-233/2 234-239 23c-23f/3 240-242/2 247-24f/2 250-293 295-2af 371-373/2 377-37b/4 37c-37d 390-3ac/28 3ad-3ce 3d0-3d1 3d5-3d7
    3d9-3ef/2 3f0-3f3 3f5-3fb/3 3fc-430/52 431-45f 461-481/2 48b-4bf/2 4c2-4ce/2 4cf-52f/2 560-588 10d0-10fa 10fd-10ff 13f8-13fd
    1c80-1c88 1d00-1d2b 1d6b-1d77 1d79-1d9a 1e01-1e95/2 1e96-1e9d 1e9f-1eff/2 1f00-1f07 1f10-1f15 1f20-1f27 1f30-1f37 1f40-1f45
    1f50-1f57 1f60-1f67 1f70-1f7d 1f80-1f87 1f90-1f97 1fa0-1fa7 1fb0-1fb4 1fb6-1fb7 1fbe-1fc2/4 1fc3-1fc4 1fc6-1fc7 1fd0-1fd3
    1fd6-1fd7 1fe0-1fe7 1ff2-1ff4 1ff6-1ff7 210a-210e/4 210f-2113/4 212f-2139/5 213c-213d 2146-2149 214e-2184/54 2c30-2c5f 2c61-2c65/4
    2c66-2c6c/2 2c71-2c73/2 2c74-2c76/2 2c77-2c7b 2c81-2ce3/2 2ce4-2cec/8 2cee-2cf3/5 2d00-2d25 2d27-2d2d/6 a641-a66d/2 a681-a69b/2
    a723-a72f/2 a730-a731 a733-a771/2 a772-a778 a77a-a77c/2 a77f-a787/2 a78c-a78e/2 a791-a793/2 a794-a795 a797-a7a9/2 a7af-a7b5/6
    a7b7-a7c3/2 a7c8-a7ca/2 a7d1-a7d9/2 a7f6-a7fa/4 ab30-ab5a ab60-ab68 ab70-abbf fb00-fb06 fb13-fb17 ff41-ff5a 10428-1044f
    104d8-104fb 10597-105a1 105a3-105b1 105b3-105b9 105bb-105bc 10cc0-10cf2 118c0-118df 16e60-16e7f 1d41a-1d433 1d44e-1d454
    1d456-1d467 1d482-1d49b 1d4b6-1d4b9 1d4bb-1d4bd/2 1d4be-1d4c3 1d4c5-1d4cf 1d4ea-1d503 1d51e-1d537 1d552-1d56b 1d586-1d59f
    1d5ba-1d5d3 1d5ee-1d607 1d622-1d63b 1d656-1d66f 1d68a-1d6a5 1d6c2-1d6da 1d6dc-1d6e1 1d6fc-1d714 1d716-1d71b 1d736-1d74e
    1d750-1d755 1d770-1d788 1d78a-1d78f 1d7aa-1d7c2 1d7c4-1d7c9 1d7cb-1df00/1845 1df01-1df09 1df0b-1df1e 1df25-1df2a 1e922-1e943
"""
_TITLE = """
    1c5-1cb/3 1f2-1f88/7574 1f89-1f8f 1f98-1f9f 1fa8-1faf 1fbc-1fcc/16 1ffc
"""
_PUNCTUATION = """
    21-23 25-2a 2c-2f 3a-3b 3f-40 5b-5d 5f-7b/28 7d-a1/36 a7-ab/4 b6-b7 bb-bf/4 37e-387/9 55a-55f 589-58a 5be-5c0/2 5c3-5c6/3 5f3-5f4
    609-60a 60c-60d 61b-61d/2 61e-61f 66a-66d 6d4-700/44 701-70d 7f7-7f9 830-83e 85e-964/262 965-970/11 9fd-a76/121 af0-c77/391
    c84-df4/368 e4f-e5a/11 e5b-f04/169 f05-f12 f14-f3a/38 f3b-f3d f85-fd0/75 fd1-fd4 fd9-fda 104a-104f 10fb-1360/613 1361-1368
    1400-166e/622 169b-169c 16eb-16ed 1735-1736 17d4-17d6 17d8-17da 1800-180a 1944-1945 1a1e-1a1f 1aa0-1aa6 1aa8-1aad 1b5a-1b60
    1b7d-1b7e 1bfc-1bff 1c3b-1c3f 1c7e-1c7f 1cc0-1cc7 1cd3-2010/829 2011-2027 2030-2043 2045-2051 2053-205e 207d-207e 208d-208e
    2308-230b 2329-232a 2768-2775 27c5-27c6 27e6-27ef 2983-2998 29d8-29db 29fc-29fd 2cf9-2cfc 2cfe-2cff 2d70-2e00/144 2e01-2e2e
    2e30-2e4f 2e52-2e5d 3001-3003 3008-3011 3014-301f 3030-303d/13 30a0-30fb/91 a4fe-a4ff a60d-a60f a673-a67e/11 a6f2-a6f7 a874-a877
    a8ce-a8cf a8f8-a8fa a8fc-a92e/50 a92f-a95f/48 a9c1-a9cd a9de-a9df aa5c-aa5f aade-aadf aaf0-aaf1 abeb-fd3e/20819 fd3f-fe10/209
    fe11-fe19 fe30-fe52 fe54-fe61 fe63-fe68/5 fe6a-fe6b ff01-ff03 ff05-ff0a ff0c-ff0f ff1a-ff1b ff1f-ff20 ff3b-ff3d ff3f-ff5b/28
    ff5d-ff5f/2 ff60-ff65 10100-10102 1039f-103d0/49 1056f-10857/744 1091f-1093f/32 10a50-10a58 10a7f-10af0/113 10af1-10af6
    10b39-10b3f 10b99-10b9c 10ead-10f55/168 10f56-10f59 10f86-10f89 11047-1104d 110bb-110bc 110be-110c1 11140-11143 11174-11175
    111c5-111c8 111cd-111db/14 111dd-111df 11238-1123d 112a9-1144b/418 1144c-1144f 1145a-1145b 1145d-114c6/105 115c1-115d7 11641-11643
    11660-1166c 116b9-1173c/131 1173d-1173e 1183b-11944/265 11945-11946 119e2-11a3f/93 11a40-11a46 11a9a-11a9c 11a9e-11aa2 11b00-11b09
    11c41-11c45 11c70-11c71 11ef7-11ef8 11f43-11f4f 11fff-12470/1137 12471-12474 12ff1-12ff2 16a6e-16a6f 16af5-16b37/66 16b38-16b3b
    16b44-16e97/851 16e98-16e9a 16fe2-1bc9f/19645 1da87-1da8b 1e95e-1e95f
"""
_NUMBERS = """
    30-39 b2-b3 b9-bc/3 bd-be 660-669 6f0-6f9 7c0-7c9 966-96f 9e6-9ef 9f4-9f9 a66-a6f ae6-aef b66-b6f b72-b77 be6-bf2 c66-c6f c78-c7e
    ce6-cef d58-d5e d66-d78 de6-def e50-e59 ed0-ed9 f20-f33 1040-1049 1090-1099 1369-137c 16ee-16f0 17e0-17e9 17f0-17f9 1810-1819
    1946-194f 19d0-19da 1a80-1a89 1a90-1a99 1b50-1b59 1bb0-1bb9 1c40-1c49 1c50-1c59 2070-2074/4 2075-2079 2080-2089 2150-2182
    2185-2189 2460-249b 24ea-24ff 2776-2793 2cfd-3007/778 3021-3029 3038-303a 3192-3195 3220-3229 3248-324f 3251-325f 3280-3289
    32b1-32bf a620-a629 a6e6-a6ef a830-a835 a8d0-a8d9 a900-a909 a9d0-a9d9 a9f0-a9f9 aa50-aa59 abf0-abf9 ff10-ff19 10107-10133
    10140-10178 1018a-1018b 102e1-102fb 10320-10323 10341-1034a/9 103d1-103d5 104a0-104a9 10858-1085f 10879-1087f 108a7-108af
    108fb-108ff 10916-1091b 109bc-109bd 109c0-109cf 109d2-109ff 10a40-10a48 10a7d-10a7e 10a9d-10a9f 10aeb-10aef 10b58-10b5f
    10b78-10b7f 10ba9-10baf 10cfa-10cff 10d30-10d39 10e60-10e7e 10f1d-10f26 10f51-10f54 10fc5-10fcb 11052-1106f 110f0-110f9
    11136-1113f 111d0-111d9 111e1-111f4 112f0-112f9 11450-11459 114d0-114d9 11650-11659 116c0-116c9 11730-1173b 118e0-118f2
    11950-11959 11c50-11c6c 11d50-11d59 11da0-11da9 11f50-11f59 11fc0-11fd4 12400-1246e 16a60-16a69 16ac0-16ac9 16b50-16b59
    16b5b-16b61 16e80-16e96 1d2c0-1d2d3 1d2e0-1d2f3 1d360-1d378 1d7ce-1d7ff 1e140-1e149 1e2f0-1e2f9 1e4f0-1e4f9 1e8c7-1e8cf
    1e950-1e959 1ec71-1ecab 1ecad-1ecaf 1ecb1-1ecb4 1ed01-1ed2d 1ed2f-1ed3d 1f100-1f10c 1fbf0-1fbf9
"""
_DIGITS = """
    30-39 660-669 6f0-6f9 7c0-7c9 966-96f 9e6-9ef a66-a6f ae6-aef b66-b6f be6-bef c66-c6f ce6-cef d66-d6f de6-def e50-e59 ed0-ed9
    f20-f29 1040-1049 1090-1099 17e0-17e9 1810-1819 1946-194f 19d0-19d9 1a80-1a89 1a90-1a99 1b50-1b59 1bb0-1bb9 1c40-1c49 1c50-1c59
    a620-a629 a8d0-a8d9 a900-a909 a9d0-a9d9 a9f0-a9f9 aa50-aa59 abf0-abf9 ff10-ff19 104a0-104a9 10d30-10d39 11066-1106f 110f0-110f9
    11136-1113f 111d0-111d9 112f0-112f9 11450-11459 114d0-114d9 11650-11659 116c0-116c9 11730-11739 118e0-118e9 11950-11959
    11c50-11c59 11d50-11d59 11da0-11da9 11f50-11f59 16a60-16a69 16ac0-16ac9 16b50-16b59 1d7ce-1d7ff 1e140-1e149 1e2f0-1e2f9
    1e4f0-1e4f9 1e950-1e959 1fbf0-1fbf9
"""
_PAIRS = """
    100-12f 132-137 139-148 14a-177 179-17e 182-185 187-188 18b-18c 191-192 198-199 1a0-1a5 1a7-1a8 1ac-1ad 1af-1b0 1b3-1b6 1b8-1b9
    1bc-1bd 1cd-1dc 1de-1ef 1f4-1f5 1f8-21f 222-233 23b-23c 241-242 246-24f 370-373 376-377 3d8-3ef 3f7-3f8 3fa-3fb 460-481 48a-4bf
    4c1-4ce 4d0-52f 1e00-1e95 1ea0-1eff 2183-2184 2c60-2c61 2c67-2c6c 2c72-2c73 2c75-2c76 2c80-2ce3 2ceb-2cee 2cf2-2cf3 a640-a66d
    a680-a69b a722-a72f a732-a76f a779-a77c a77e-a787 a78b-a78c a790-a793 a796-a7a9 a7b4-a7c3 a7c7-a7ca a7d0-a7d1 a7d6-a7d9 a7f5-a7f6
"""
_DELTAS = """
    41-5a:0,32 61-7a:-32,0 b5:743,0 c0-d6:0,32 d8-de:0,32 e0-f6:-32,0 f8-fe:-32,0 ff:121,0 130:0,-199 131:-232,0 178:0,-121 17f:-300,0
    180:195,0 181:0,210 186:0,206 189-18a:0,205 18e:0,79 18f:0,202 190:0,203 193:0,205 194:0,207 195:97,0 196:0,211 197:0,209
    19a:163,0 19c:0,211 19d:0,213 19e:130,0 19f:0,214 1a6:0,218 1a9:0,218 1ae:0,218 1b1-1b2:0,217 1b7:0,219 1bf:56,0 1c4:0,2,1
    1c5:-1,1,0 1c6:-2,0,-1 1c7:0,2,1 1c8:-1,1,0 1c9:-2,0,-1 1ca:0,2,1 1cb:-1,1,0 1cc:-2,0,-1 1dd:-79,0 1f1:0,2,1 1f2:-1,1,0
    1f3:-2,0,-1 1f6:0,-97 1f7:0,-56 220:0,-130 23a:0,10795 23d:0,-163 23e:0,10792 23f-240:10815,0 243:0,-195 244:0,69 245:0,71
    250:10783,0 251:10780,0 252:10782,0 253:-210,0 254:-206,0 256-257:-205,0 259:-202,0 25b:-203,0 25c:42319,0 260:-205,0 261:42315,0
    263:-207,0 265:42280,0 266:42308,0 268:-209,0 269:-211,0 26a:42308,0 26b:10743,0 26c:42305,0 26f:-211,0 271:10749,0 272:-213,0
    275:-214,0 27d:10727,0 280:-218,0 282:42307,0 283:-218,0 287:42282,0 288:-218,0 289:-69,0 28a-28b:-217,0 28c:-71,0 292:-219,0
    29d:42261,0 29e:42258,0 345:84,0 37b-37d:130,0 37f:0,116 386:0,38 388-38a:0,37 38c:0,64 38e-38f:0,63 391-3a1:0,32 3a3-3ab:0,32
    3ac:-38,0 3ad-3af:-37,0 3b1-3c1:-32,0 3c2:-31,0 3c3-3cb:-32,0 3cc:-64,0 3cd-3ce:-63,0 3cf:0,8 3d0:-62,0 3d1:-57,0 3d5:-47,0
    3d6:-54,0 3d7:-8,0 3f0:-86,0 3f1:-80,0 3f2:7,0 3f3:-116,0 3f4:0,-60 3f5:-96,0 3f9:0,-7 3fd-3ff:0,-130 400-40f:0,80 410-42f:0,32
    430-44f:-32,0 450-45f:-80,0 4c0:0,15 4cf:-15,0 531-556:0,48 561-586:-48,0 10a0-10c5:0,7264 10c7:0,7264 10cd:0,7264
    10d0-10fa:3008,0,0 10fd-10ff:3008,0,0 13a0-13ef:0,38864 13f0-13f5:0,8 13f8-13fd:-8,0 1c80:-6254,0 1c81:-6253,0 1c82:-6244,0
    1c83-1c84:-6242,0 1c85:-6243,0 1c86:-6236,0 1c87:-6181,0 1c88:35266,0 1c90-1cba:0,-3008 1cbd-1cbf:0,-3008 1d79:35332,0 1d7d:3814,0
    1d8e:35384,0 1e9b:-59,0 1e9e:0,-7615 1f00-1f07:8,0 1f08-1f0f:0,-8 1f10-1f15:8,0 1f18-1f1d:0,-8 1f20-1f27:8,0 1f28-1f2f:0,-8
    1f30-1f37:8,0 1f38-1f3f:0,-8 1f40-1f45:8,0 1f48-1f4d:0,-8 1f51:8,0 1f53:8,0 1f55:8,0 1f57:8,0 1f59:0,-8 1f5b:0,-8 1f5d:0,-8
    1f5f:0,-8 1f60-1f67:8,0 1f68-1f6f:0,-8 1f70-1f71:74,0 1f72-1f75:86,0 1f76-1f77:100,0 1f78-1f79:128,0 1f7a-1f7b:112,0
    1f7c-1f7d:126,0 1f80-1f87:8,0 1f88-1f8f:0,-8 1f90-1f97:8,0 1f98-1f9f:0,-8 1fa0-1fa7:8,0 1fa8-1faf:0,-8 1fb0-1fb1:8,0 1fb3:9,0
    1fb8-1fb9:0,-8 1fba-1fbb:0,-74 1fbc:0,-9 1fbe:-7205,0 1fc3:9,0 1fc8-1fcb:0,-86 1fcc:0,-9 1fd0-1fd1:8,0 1fd8-1fd9:0,-8
    1fda-1fdb:0,-100 1fe0-1fe1:8,0 1fe5:7,0 1fe8-1fe9:0,-8 1fea-1feb:0,-112 1fec:0,-7 1ff3:9,0 1ff8-1ff9:0,-128 1ffa-1ffb:0,-126
    1ffc:0,-9 2126:0,-7517 212a:0,-8383 212b:0,-8262 2132:0,28 214e:-28,0 2160-216f:0,16 2170-217f:-16,0 24b6-24cf:0,26
    24d0-24e9:-26,0 2c00-2c2f:0,48 2c30-2c5f:-48,0 2c62:0,-10743 2c63:0,-3814 2c64:0,-10727 2c65:-10795,0 2c66:-10792,0 2c6d:0,-10780
    2c6e:0,-10749 2c6f:0,-10783 2c70:0,-10782 2c7e-2c7f:0,-10815 2d00-2d25:-7264,0 2d27:-7264,0 2d2d:-7264,0 a77d:0,-35332
    a78d:0,-42280 a794:48,0 a7aa:0,-42308 a7ab:0,-42319 a7ac:0,-42315 a7ad:0,-42305 a7ae:0,-42308 a7b0:0,-42258 a7b1:0,-42282
    a7b2:0,-42261 a7b3:0,928 a7c4:0,-48 a7c5:0,-42307 a7c6:0,-35384 ab53:-928,0 ab70-abbf:-38864,0 ff21-ff3a:0,32 ff41-ff5a:-32,0
    10400-10427:0,40 10428-1044f:-40,0 104b0-104d3:0,40 104d8-104fb:-40,0 10570-1057a:0,39 1057c-1058a:0,39 1058c-10592:0,39
    10594-10595:0,39 10597-105a1:-39,0 105a3-105b1:-39,0 105b3-105b9:-39,0 105bb-105bc:-39,0 10c80-10cb2:0,64 10cc0-10cf2:-64,0
    118a0-118bf:0,32 118c0-118df:-32,0 16e40-16e5f:0,32 16e60-16e7f:-32,0 1e900-1e921:0,34 1e922-1e943:-34,0
"""


@cache
def members(table: str) -> frozenset[str]:
    """The runes of a table: ``upper``, ``lower``, ``title``, ``punctuation``, ``numbers`` or ``digits``."""
    return frozenset(chr(code) for item in _TABLES[table].split() for code in _codes(item))


def is_letter(rune: str) -> bool:
    """`unicode.IsLetter`."""
    if rune < "\x80":
        return rune.isalpha()
    return _word().match(rune) is not None and rune not in members("numbers")


@cache
def _word() -> re.Pattern[str]:
    return re.compile(f"[{character_class()}]")


@cache
def mapping(case: str) -> Mapping[int, int]:
    """`unicode.ToUpper`, `ToLower` or `ToTitle` (``case`` is ``upper``, ``lower`` or ``title``) as `str.translate` takes it."""
    out: dict[int, int] = {}
    for item in _PAIRS.split():
        codes = _codes(item)
        for code in codes:
            out[code] = codes[0] + ((code - codes[0]) & ~1 | (case == "lower"))
    for item in _DELTAS.split():
        where, _, deltas = item.partition(":")
        upper, lower, *title = map(int, deltas.split(","))
        delta = lower if case == "lower" else title[0] if title and case == "title" else upper
        out.update((code, code + delta) for code in _codes(where))
    return {code: to for code, to in out.items() if code != to}


def _codes(item: str) -> range:
    ends, _, stride = item.partition("/")
    low, _, high = ends.partition("-")
    return range(int(low, 16), int(high or low, 16) + 1, int(stride or 1))


_TABLES = {"upper": _UPPER, "lower": _LOWER, "title": _TITLE, "punctuation": _PUNCTUATION, "numbers": _NUMBERS, "digits": _DIGITS}
