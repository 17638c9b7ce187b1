"""PDF files that reportlab, Chromium and LibreOffice wrote: columns, tables, forms, divided words, scripts."""

from __future__ import annotations

from pathlib import Path

from tests.retrieval.readers.documents import Case

FILES = Path(__file__).with_name("files")
"""make_printed.py makes them again."""

FERRY = "takes twenty minutes for the crossing to the southern shore of the fjord."
BRIDGE = "so the county built one a little further north. The towers of the former bridge still stand"


def _case(name: str, *find: str, never: tuple[str, ...] = (), note: tuple[str, ...] = ()) -> Case:
    return Case(f"{name}.pdf", (FILES / f"{name}.pdf").read_bytes(), find, never, note)


CASES = (
    _case(
        "columns", FERRY, BRIDGE, "Crossing the sound, a report to the county", "Printed by the county of Trøndelag",
        never=("Inderøy The old", "leaves the quay at ten past six on after"),
    ),
    _case(
        "newspaper", FERRY, BRIDGE, "The train from Skarnsund to Inderøy leaves the quay",
        never=("Inderøy The old", "1994 The train", "1994 The ferry"),
    ),
    _case(
        "table_by_columns", "Port Ships Cargo", "Lisbon 14 220 oil and grain", "Setúbal 4 402 cement", "Source: harbour authority.",
        never=("Lisbon Porto", "9 110 1 875"),
    ),
    _case("turned", FERRY, BRIDGE, "Confidential draft", never=("Confidential draft The", "C o n f")),
    _case(
        "form", "Full name\nIngrid Solberg", "Date of birth 14 March 1987", "Category Family", "Newsletter [x]", "Photos allowed [ ]",
        "Payment [x] Card [ ] Invoice", "Allergic to peanuts. Arrives by bicycle.", "Emergency contact: Olav, 555 0199",
        note=("1 form field empty",),
    ),
    _case(
        "order", "Rope 3 12.50", "Anchor 1 89.00", "[x] I agree to the terms of carriage", "[ ] Send me the newsletter",
        "Signature: I. Solberg Date: 2024-05-03",
        note=("3 form fields empty",),
    ),
    _case(
        "articles", "thirty days [1] at the office [i].", "Displacement 4 × 10^5 kg.", "Mate Summer 1/20", "Counted from the day of signing on.",
        never=("105", "days1"),
    ),
    _case(
        "divided", "annual maintenance contract", "other price-determining factors", "the long-term plan of the postwar years", "pages 12-15",
        "COVID-19 annex", "service-desk@example.org", "www.example.org/har-bour", "the state-of-the-art crane", "MUNICIPAL register",
        "Anglo-Saxon boats",
        never=("pricedetermining", "longterm", "servicedesk", "1215", "COVID19", "preand", "pre-and", "theart", "AngloSaxon"),
    ),
    _case(
        "pictures", FERRY, BRIDGE, "On a background",
        note=("1 of 3 pages have no text (scans?)", "1 image without text"),
    ),
    _case(
        "scripts", "6.022 × 10^23 per mole", "450 m^2.", "1648 [7] ended", "the war. [8] It had", "8 million lives [9,10]", "s^−1, 2^10 bytes, x^2 + y^2",
        "the 21st of June, H2SO4",
        never=("1023", "16487", "m2", "210"),
    ),
    _case("remarks", FERRY, "Approved by the board", "Comment: Check the timetable for 2025."),
    _case(
        "parts_ruled", "Impeller housing Cast bronze housing with a replaceable wear ring and two drain plugs 412.50",
        "Mechanical seal for sea water Silicon carbide, suitable for temperatures up to ninety degrees 88.00", "Gasket Nitrile rubber, one metre 6.20",
    ),
    _case(
        "parts", "Impeller housing Cast bronze housing with a replaceable wear ring and two drain plugs 412.50",
        "Mechanical seal for sea water Silicon carbide, suitable for temperatures up to ninety degrees 88.00", "Gasket Nitrile rubber, one metre 6.20",
    ),
    _case(
        "terms_ruled", "for every month of the contract The customer receives a credit", "to the address that the customer named No credit is due",
        never=("of the The customer", "contract Maintenance"),
    ),
    _case(
        "terms", "for every month of the contract The customer receives a credit", "to the address that the customer named No credit is due",
        never=("of the The customer", "contract Maintenance"),
    ),
    _case(
        "storm", "Day High\n4 June 06:12",
        never=("06:12 church", "behind the\nDay"),
    ),
    _case(
        "tidal", "The survey of 1998 [4] found that the turbines near Skarnsund deliver 3 × 10^6 kilowatt hours in a typical year",
        "because antifouling coatings that contain copper", "on an area of 25 m^2.", "Station Opened Output Remarks",
        "Skarnsund 1998 14 220 The rotor was replaced after a collision with a drifting log in March.", "Kvalsund 2011 21 875 Largest turbine of its kind.",
        "and the price of dried cod in the market of Trondheim.", "after which historians from Copenhagen compared",
        never=("19984", "106", "m2", "diary with annotations in 1932, of 1887"),
    ),
    _case(
        "dredging", "in 1998 [4] because navigational difficulties had increased considerably", "Approximately 3 × 10^6 cubic metres of sediment",
        "The state-of-the-art equipment", "information-desk at info-desk@harbour.example.org", "North quay 11.4 m Only for vessels with a pilot on",
        "Minutes of the harbour board, 4 March.", "construction of the breakwater. [1]",
        never=("19984", "106", "breakwater.1", "infodesk"),
    ),
    _case(
        "narrow", "Price-determining factors", "info-desk@harbour.example.org", "the decision-making representatives.",
        "Maintenance of the multilingual documentation", "Item Qty Unit price Total", "Anchor chain 2 140.00 280.00", "Shackle 12 3.50 42.00",
        never=("Pricedetermining", "infodesk", "decisionmaking", "Mainte-"),
    ),
    _case(
        "languages", "ירושלים היא עיר עתיקה מאוד, והיא בירת ישראל.", "القاهرة مدينة كبيرة على نهر النيل.", "東京都は日本の首都です。",
        "Η Αθήνα είναι η πρωτεύουσα.", "The office file of the fjord affair: efficient, difficult, fluffy.", "10^−9 m, CO2, Ca^2+, the 19th century",
        "annual report. [12] Next, (a + b)^2 and x^(n+1); revenue of 4512 [3] euros", "Street 12 Harbour Road City Bergen",
        never=("mc2", "45123", "report.12"), note=("1 character that no font names left out",),
    ),
    _case(
        "invoice", "Invoice 2024-117", "Dock Street 12", "Due date: 2 June 2024", "Item Description Qty Unit Amount", "C-07 Anchor chain 25 9.80 245.00",
        "B-20 Bilge pump with float switch, including the mounting bracket and two metres of hose 2 140.00 280.00",
        "without any deduction, to the account that is named below.", "2. Goods remain the property", "3 Liability 9", "billing@skarnsund-boats.example",
        never=("2140.00", "ItemDescription"),
    ),
    _case(
        "initial", "The ferry leaves the quay", "Harbour Office of the town [1]; an+1 = 2an and CO2-free; 10^-3; ½ cup", "3rd; y = x^2+1; Fe^3+;",
        "footnote†; 4^2=16; log10x; page [12]; 2nd ed.", "which takes about twenty minutes in calm weather.",
        never=("town1", "10-3", "42=16"),
    ),
    _case(
        "paper", "The error of such forecasts grows with distance [3], as Moe and Lund observed", "3.2 × 10^6 measurements", "10^3 locations",
        "(p < 10^−4)", "Harmonic 14.2 11.0", "Ensemble 6.9 5.8", "of at least thirty centimetres below the keel.",
        "Estimate the delay of the tide from charts.", "vol. 12, pp. 101–119, 2004.",
        never=("distance3", "106", "103 locations", "Harmonic analysis The ensemble"),
    ),
    _case(
        "manual", "zur regelmäßigen Instandhaltung der Aufzugsanlagen", "einschließlich der Sicherheitseinrichtungen", "Gewicht 12 kg\nHöhe 1,80 m",
        "A1 Prüfung der Seile auf Verschleiß und Bruch einzelner Drähte 120,00", "A2 Austausch 45,50",
        "Ölstand prüfen, nachfüllen und im Wartungsbuch mit Datum und Unterschrift vermerken",
        never=("Instand-", "Gewicht Höhe", "ein-richtungen"),
    ),
)  # fmt: skip
