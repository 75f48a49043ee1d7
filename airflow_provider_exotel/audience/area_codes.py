"""The area codes of the fifty states of the USA and Washington, D.C., with every time zone they reach into.

The rest of the North American Numbering Plan (+1) is not here: Canada, the Caribbean, the territories of the USA, which
have laws of their own, and codes without a place, such as toll-free ones. A code newer than this table is unknown until
it is added.
"""

from __future__ import annotations

_ZONES = {
    "east": "America/New_York",
    "central": "America/Chicago",
    "mountain": "America/Denver",
    "arizona": "America/Phoenix",
    "pacific": "America/Los_Angeles",
    "alaska": "America/Anchorage",
    "aleutian": "America/Adak",
    "hawaii": "Pacific/Honolulu",
}
"""One zone for each clock that is kept today: Detroit's is New York's, Boise's is Denver's."""

_BY_STATE = (
    ("AL", "central", "205 251 256 334 659 938"),
    ("AK", "alaska aleutian", "907"),
    ("AZ", "arizona", "480 520 602 623"),
    ("AZ", "arizona mountain", "928"),  # the Navajo Nation changes its clocks
    ("AR", "central", "327 479 501 870"),
    ("CA", "pacific", "209 213 279 310 323 341 350 369 408 415 424 442 510 530 559 562 619 626 628 650 657 661 669"),
    ("CA", "pacific", "707 714 738 747 760 805 818 820 831 840 858 909 916 925 949 951"),
    ("CO", "mountain", "303 719 720 748 970 983"),
    ("CT", "east", "203 475 860 959"),
    ("DC", "east", "202 771"),
    ("DE", "east", "302"),
    ("FL", "east", "239 305 321 324 352 386 407 561 645 656 689 727 728 754 772 786 813 863 904 941 954"),
    ("FL", "east central", "448 850"),
    ("GA", "east", "229 404 470 478 678 706 762 770 912 943"),
    ("HI", "hawaii", "808"),
    ("IA", "central", "319 515 563 641 712"),
    ("ID", "mountain pacific", "208 986"),
    ("IL", "central", "217 224 309 312 331 447 464 618 630 708 730 773 779 815 847 861 872"),
    ("IN", "east", "260 317 463 765"),
    ("IN", "east central", "219 574 812 930"),
    ("KS", "central", "316 913"),
    ("KS", "central mountain", "620 785"),
    ("KY", "east", "502 859"),
    ("KY", "east central", "270 364 606"),
    ("LA", "central", "225 318 337 457 504 985"),
    ("MA", "east", "339 351 413 508 617 774 781 857 978"),
    ("MD", "east", "227 240 301 410 443 667"),
    ("ME", "east", "207"),
    ("MI", "east", "231 248 269 313 517 586 616 679 734 810 947 989"),
    ("MI", "east central", "906"),
    ("MN", "central", "218 320 507 612 651 763 952"),
    ("MO", "central", "235 314 417 557 573 636 660 816 975"),
    ("MS", "central", "228 471 601 662 769"),
    ("MT", "mountain", "406"),
    ("NC", "east", "252 336 472 704 743 828 910 919 980 984"),
    ("ND", "central mountain", "701"),
    ("NE", "central", "402 531"),
    ("NE", "central mountain", "308"),
    ("NH", "east", "603"),
    ("NJ", "east", "201 551 609 640 732 848 856 862 908 973"),
    ("NM", "mountain", "505 575"),
    ("NV", "pacific", "702 725"),
    ("NV", "mountain pacific", "775"),  # West Wendover keeps Utah's time
    ("NY", "east", "212 315 329 332 347 363 516 518 585 607 624 631 646 680 716 718 838 845 914 917 929 934"),
    ("OH", "east", "216 220 234 283 326 330 380 419 436 440 513 567 614 740 937"),
    ("OK", "central", "405 539 572 580 918"),
    ("OR", "pacific", "503 971"),
    ("OR", "mountain pacific", "458 541"),
    ("PA", "east", "215 223 267 272 412 445 484 570 582 610 717 724 814 835 878"),
    ("RI", "east", "401"),
    ("SC", "east", "803 821 839 843 854 864"),
    ("SD", "central mountain", "605"),
    ("TN", "central", "615 629 731 901 931"),
    ("TN", "east", "865"),
    ("TN", "east central", "423 729"),
    ("TX", "central", "210 214 254 281 325 346 361 409 430 432 469 512 621 682 713 726 737 806 817 830 832 903 936"),
    ("TX", "central", "940 945 956 972 979"),
    ("TX", "mountain", "915"),
    ("UT", "mountain", "385 435 801"),
    ("VA", "east", "276 434 540 571 686 703 757 804 826 948"),
    ("VT", "east", "802"),
    ("WA", "pacific", "206 253 360 425 509 564"),
    ("WI", "central", "262 274 353 414 534 608 715 920"),
    ("WV", "east", "304 681"),
    ("WY", "mountain", "307"),
)

AREA_CODES: dict[str, tuple[str, tuple[str, ...]]] = {
    code: (state, tuple(_ZONES[clock] for clock in clocks.split()))
    for state, clocks, codes in _BY_STATE
    for code in codes.split()
}
"""Each area code's state and zones."""
