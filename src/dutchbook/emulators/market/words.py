"""The names that the generated questions are about, and how each venue would put them."""

SINGLES = (
    (
        "CEASEUKR",
        "a ceasefire in Ukraine is announced",
        "Geopolitics",
        "Russia x Ukraine ceasefire",
    ),
    ("RECOGTWN", "a G7 state recognises Taiwan", "Geopolitics", "G7 state recognises Taiwan"),
    ("IRANDEAL", "the US and Iran sign a nuclear deal", "Geopolitics", "US-Iran nuclear deal"),
    ("SHUTDOWN", "the US government shuts down", "Politics", "US government shutdown"),
    ("CABEXIT", "a US cabinet member leaves office", "Politics", "Cabinet member out"),
    ("SCOTUSVAC", "a US Supreme Court seat becomes vacant", "Politics", "Supreme Court vacancy"),
    ("UKELECT", "a UK general election is called", "Politics", "UK general election called"),
    ("DEBTCEIL", "the US debt limit is raised", "Politics", "US debt ceiling raised"),
    ("TARIFFEU", "the US puts new tariffs on the EU", "Politics", "New US tariffs on EU"),
    ("RECESSION", "a US recession is declared by NBER", "Economics", "US recession declared"),
    ("JOBSNEG", "US payrolls fall in a month", "Economics", "Negative US jobs report"),
    ("ECBCUT", "the ECB cuts its deposit rate", "Economics", "ECB rate cut"),
    ("BOJHIKE", "the Bank of Japan raises its rate", "Economics", "Bank of Japan hike"),
    ("GASFOUR", "US gas averages $4 a gallon", "Economics", "US gas hits $4"),
    ("ETHATH", "ETH sets an all-time high", "Crypto", "Ethereum all time high"),
    ("BTCRESERVE", "the US buys BTC for its reserve", "Crypto", "US strategic bitcoin purchase"),
    ("SOLETF", "SOL trades above its old high", "Crypto", "Solana all time high"),
    ("STABLELAW", "a stablecoin bill becomes law", "Crypto", "Stablecoin bill signed"),
    ("GPTNEXT", "OpenAI releases a new flagship model", "Tech", "Next OpenAI flagship released"),
    ("APPLEFOLD", "Apple shows a foldable iPhone", "Tech", "Foldable iPhone announced"),
    ("MARSSHIP", "Starship launches towards Mars", "Tech", "Starship Mars launch"),
    ("TSLAFSD", "Tesla sells unsupervised FSD", "Tech", "Tesla unsupervised FSD"),
    ("TIKTOKSALE", "the TikTok sale closes", "Tech", "TikTok sale completed"),
    ("NVDAFIVE", "Nvidia is worth $7 trillion", "Finance", "Nvidia market cap $7T"),
    ("SPXCORR", "the S&P 500 falls 10% from its high", "Finance", "S&P 500 correction"),
    ("BIGIPO", "SpaceX lists its shares", "Finance", "SpaceX IPO"),
    ("GOLDREC", "gold sets a record", "Finance", "Gold record high"),
    ("SWIFTALB", "Taylor Swift announces an album", "Culture", "New Taylor Swift album"),
    ("BONDCAST", "the next James Bond is announced", "Culture", "Next James Bond announced"),
    ("AVATARREC", "a film grosses $2 billion", "Culture", "Film grosses $2B"),
    ("HURRMAJOR", "a major hurricane hits the US", "Weather", "Major hurricane US landfall"),
    ("HOTMONTH", "a month is the hottest on record", "Weather", "Hottest month on record"),
    ("QUAKE8", "an earthquake of magnitude 8 occurs", "Other", "Magnitude 8 earthquake"),
    ("ALIENS", "the US confirms alien life", "Other", "US confirms aliens"),
    ("MOONLAND", "people land on the Moon", "Tech", "Crewed Moon landing"),
    ("PACTOPEC", "OPEC+ cuts its output", "Finance", "OPEC+ output cut"),
)
OPPOSITES = (
    ("NATOSTAY", "the US stays in NATO", "Politics", "US leaves NATO"),
    ("POWELLIN", "the Fed chair keeps his seat", "Politics", "Fed chair out"),
    ("TETHERPEG", "USDT keeps its peg", "Crypto", "Tether depegs"),
    ("STARMERIN", "the UK prime minister stays", "Politics", "UK prime minister out"),
)
LADDERS = (
    ("BTC", "Bitcoin", "the Bitcoin price", "Crypto", 96_000, 2_000, 8, "above ${:,.0f}", 3),
    ("ETH", "Ethereum", "the Ethereum price", "Crypto", 3_400, 100, 8, "above ${:,.0f}", 3),
    ("SOL", "Solana", "the Solana price", "Crypto", 180, 10, 6, "above ${:,.0f}", 2),
    ("INX", "S&P 500", "the S&P 500", "Finance", 6_600, 50, 8, "above {:,.0f}", 2),
    ("NASDAQ", "Nasdaq-100", "the Nasdaq-100", "Finance", 24_000, 250, 6, "above {:,.0f}", 1),
    ("CPIYOY", "CPI", "annual US inflation", "Economics", 2.4, 0.1, 6, "above {:.1f}%", 1),
    ("PAYROLLS", "Payrolls", "new US jobs", "Economics", 50, 25, 6, "above {:,.0f}k", 0),
    ("GDP", "GDP", "US GDP growth", "Economics", 1.0, 0.5, 6, "above {:.1f}%", 0),
    ("WTI", "Oil", "the WTI oil price", "Finance", 58, 2, 6, "above ${:,.0f}", 1),
    (
        "HIGHNY",
        "NYC high",
        "the highest temperature in New York",
        "Weather",
        44,
        2,
        6,
        "{:.0f}°+",
        0,
    ),
)
DATES = (
    ("BTC150", "Bitcoin reaches $150,000", "Crypto", 2),
    ("PUTINOUT", "Putin leaves office", "Geopolitics", 0),
    ("FEDCUT", "the Fed cuts rates", "Economics", 1),
    ("GTA", "GTA VI is released", "Culture", 0),
    ("PARDON", "the President pardons a convicted aide", "Politics", 0),
    ("CHIPBAN", "the US bans chip sales to China", "Tech", 0),
    ("ETHFLIP", "Ethereum trades above $10,000", "Crypto", 1),
    ("TREATY", "a Gaza peace treaty is signed", "Geopolitics", 0),
)
GAMES = (
    ("NFLGAME", "Pro Football", "Buffalo", "Kansas City"),
    ("NFLGAME", "Pro Football", "Dallas", "Philadelphia"),
    ("NBAGAME", "Pro Basketball", "Boston", "Denver"),
    ("NBAGAME", "Pro Basketball", "New York", "Miami"),
    ("NHLGAME", "Pro Hockey", "Toronto", "Edmonton"),
    ("UFCFIGHT", "UFC", "Topuria", "Makhachev"),
)
EVENTS = (
    ("FEDDEC", "Fed decision", "Economics", 2, ("Cut 50+ bps", "Cut 25 bps", "No change", "Hike")),
    ("BOEDEC", "Bank of England decision", "Economics", 0, ("Cut", "No change", "Hike")),
    ("EPLGAME", "Arsenal vs Liverpool", "Sports", 3, ("Arsenal", "Tie", "Liverpool")),
    ("LALIGA", "Real Madrid vs Barcelona", "Sports", 2, ("Real Madrid", "Tie", "Barcelona")),
    (
        "SENATE",
        "Seats of the Senate majority",
        "Politics",
        1,
        ("50", "51", "52", "53", "54 or more"),
    ),
    (
        "TOPAI",
        "Top AI model at the end of the month",
        "Tech",
        1,
        ("OpenAI", "Google", "Anthropic", "xAI", "Any other"),
    ),
    ("SERIES", "Games in the final series", "Sports", 0, ("Four", "Five", "Six", "Seven")),
    (
        "CURVE",
        "US 10-year yield at month's end",
        "Finance",
        0,
        ("Below 3.8%", "3.8 to 4.1%", "4.1 to 4.4%", "Above 4.4%"),
    ),
)
FIELDS = (
    ("NBATITLE", "Pro Basketball champion", "Sports", 30, 2),
    ("OSCARPIC", "Best Picture", "Culture", 10, 0),
    ("MASTERS", "Masters winner", "Sports", 40, 1),
    ("POPE", "Next pope", "Culture", 18, 0),
)
POLY_FIELDS = (
    ("f1-champion", "F1 drivers' champion", "Sports", 20, 1),
    ("ucl-winner", "Champions League winner", "Sports", 32, 1),
    ("largest-company", "Largest company at the end of the year", "Finance", 6, 0),
    ("eurovision-winner", "Eurovision winner", "Culture", 26, 0),
)
OPEN_FIELDS = (
    ("dem-nominee", "Democratic nominee 2028", "Politics", 7, True),
    ("gop-nominee", "Republican nominee 2028", "Politics", 6, True),
    ("next-fed-chair", "Next Fed chair", "Politics", 5, False),
    ("time-person", "TIME person of the year", "Culture", 6, False),
    ("next-leader-iran", "Next leader of Iran", "Geopolitics", 5, True),
)
PARTIAL = (
    ("ROTTEN", "Which film opens at number one?", "Culture", 5),
    ("NEXTTEAM", "Where does LeBron play next?", "Sports", 6),
)
DECOYS = (
    ("RATECUTJAN", "the Fed cuts in January", "Economics", "Fed cuts rates in March", "date"),
    ("BTCHOUR", "BTC is above $97,250 at 5pm EST", "Crypto", "BTC above $97,250 at 8pm ET", "hour"),
    ("BTCSTRIKE", "BTC closes above $101,500", "Crypto", "BTC closes above $101,000", "strike"),
    ("ETHHOUR", "ETH is above $3,333 at noon", "Crypto", "ETH above $3,333 at midnight", "hour"),
    ("GOVDATE", "a budget passes by 15 January", "Politics", "Budget passed by 31 January", "date"),
    (
        "SPXDATE",
        "the S&P 500 closes above 6,777 on Friday",
        "Finance",
        "S&P above 6,777 Monday",
        "date",
    ),
    ("GOLDSPOT", "gold touches $4,500", "Finance", "Gold closes at $4,500", "rule"),
    ("TEMPBOS", "Boston reaches 50° on Sunday", "Weather", "Boston Logan 50° Saturday", "date"),
    ("WARTALK", "Kyiv and Moscow hold talks", "Geopolitics", "Zelensky and Putin meet", "rule"),
    (
        "HOUSEOH",
        "Democrats win Ohio's 9th district",
        "Politics",
        "Democrats win Ohio's 13th",
        "seat",
    ),
    ("CPICORE", "core CPI is above 3.0%", "Economics", "Headline CPI above 3.0%", "source"),
    ("NVDAQTR", "Nvidia beats in the third quarter", "Tech", "Nvidia beats in Q4", "date"),
)
FIRST = ("Ada", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gia", "Hugo", "Iris", "Jack")
LAST = ("Abel", "Bauer", "Costa", "Dietz", "Engel", "Frost", "Gomez", "Haas", "Iver", "Jung")


def people(count: int) -> list[str]:
    """So many different made-up names."""
    return [f"{FIRST[i % 10]} {LAST[(i // 10 + i * 3) % 10]}" for i in range(count)]
