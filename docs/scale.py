"""How far socai carries: from figures measured on one machine to a country. Prints the tables of SCALE.md.

Run it with Python 3 (nothing else is needed), change what you know better, and run it again.
"""

from math import ceil

# Measured with 1,440,000 documents on 2 cores and 24 GiB (PERFORMANCE.md): bytes, records and seconds.
DOCUMENTS = 1_440_000
RECORDS = 20_194_995
LOG = 6_079 * 2**20 / DOCUMENTS
VIEWS = 7_006 * 2**20 / DOCUMENTS
KEYS = 169 * 2**20 / DOCUMENTS
NOTARY = 1_081 * 2**20 / DOCUMENTS
REBUILT = 41_000  # records a second, one build: the newest of two (52,500 the day before)
VERIFIED = 3_240_000  # records a second, both cores
COMMANDS = 4_000  # new documents a second over HTTP, 64 clients
RESIDENT = 211  # MiB of a server on that ledger, and of one on 72,000 documents:
SMALL = 44

# The load: a working day has a quarter of its acts in its busiest hour; 250 working days a year. Source: volumes published
# for one government office (290,000 incoming documents a year), and the number of agencies on the national axis (111,000).
PER_DOCUMENT = RECORDS / DOCUMENTS
DAYS, BUSIEST = 250, 0.25

# Assumed, not measured: kinds of agencies, how many, and incoming documents of each in a year.
AGENCIES = [
    ("ministry, or a province's office", 60, 290_000),
    ("department of a ministry or province", 2_000, 30_000),
    ("commune", 3_321, 15_000),
    ("all others", 111_000 - 60 - 2_000 - 3_321, 1_000),
]
YEARS = 10
# Assumed: a machine as it was measured on, of which four fifths are for servers; ledgers have two witnesses, asked every 10 s.
MACHINE_MIB, SHARE = 24 * 1024, 0.8
WITNESSES, PAUSE = 2, 10


def number(value):
    """With spaces between thousands, and no more digits than it is worth."""
    return f"{value:,.0f}".replace(",", " ") if value >= 10 else f"{value:.2g}"


def table(head, rows):
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def per_million():
    million, records = 1_000_000, PER_DOCUMENT * 1_000_000
    rows = [(name, number(size * million / 2**20) + " MiB") for name, size in
            [("log", LOG), ("views, made anew from it", VIEWS), ("keys", KEYS), ("notary's store", NOTARY)]]
    rows.append(("records", number(records)))
    rows.append(("verified on two cores in", number(records / VERIFIED) + " s"))
    rows.append(("views rebuilt in", number(records / REBUILT) + " s"))
    table(("a million documents", ""), rows)


def acts(documents):
    """Records a second in the busiest hour."""
    return documents * PER_DOCUMENT / DAYS * BUSIEST / 3600


def agencies():
    rows = []
    for name, count, documents in AGENCIES:
        records = documents * PER_DOCUMENT * YEARS
        rows.append((
            name, number(count), number(documents), f"{acts(documents):.2g}",
            number(documents * YEARS * (LOG + VIEWS + KEYS + NOTARY) / 2**30),
            number(records / VERIFIED), number(records / REBUILT / 60),
        ))
    table(("agency", "how many", "documents a year", "records/s, busiest hour",
           f"GiB after {YEARS} years", "verified in s", "views rebuilt in min"), rows)


def country():
    documents = sum(count * each for _, count, each in AGENCIES)
    ledgers = sum(count for _, count, _ in AGENCIES)
    peak = acts(documents)
    large = sum(count for _, count, each in AGENCIES if each >= 100_000)
    machines = ceil((large * RESIDENT + (ledgers - large) * SMALL) / (MACHINE_MIB * SHARE))
    # Nobody is asked when nothing was recorded, nor sooner than the pause is over.
    asked = sum(count * min(acts(each), 1 / PAUSE) for _, count, each in AGENCIES) * WITNESSES
    rows = [
        ("ledgers", number(ledgers)),
        ("documents a year", number(documents / 1e6) + " million"),
        ("records a year", number(documents * PER_DOCUMENT / 1e9) + " billion"),
        ("log, a year", number(documents * LOG / 2**40 * 1024) + " GiB"),
        ("everything, a year", number(documents * (LOG + VIEWS + KEYS + NOTARY) / 2**40 * 1024) + " GiB"),
        ("records a second in the busiest hour", number(peak)),
        ("of the new documents a second that one machine of this size takes over HTTP", number(peak / PER_DOCUMENT / COMMANDS * 100) + " %"),
        ("machines of this size that hold all servers in memory", number(machines)),
        ("questions to witnesses a second in the busiest hour", number(asked)),
        ("the same, to each ledger that is a witness", f"{asked / ledgers:.2g}"),
    ]
    table(("the country", ""), rows)


per_million()
agencies()
country()
