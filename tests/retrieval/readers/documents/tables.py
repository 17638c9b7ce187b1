"""Tables of comma-separated values as people and programs write them."""

from __future__ import annotations

import codecs

import pandas as pd

from tests.retrieval.readers.documents import Case

PIVOT = pd.DataFrame(
    {
        "town": ["Norland", "Norland", "Sudland", "Sudland"],
        "year": [2019, 2020, 2019, 2020],
        "rain": [15.5, 16.4, 8, 7],
    }
).pivot(index="town", columns="year", values="rain")
LEVELS = pd.DataFrame(
    [[12.5, 15.5, 40], [55.5, 60.5, 7]],
    index=pd.Index(["Lamp", "Chair"], name="product"),
    columns=pd.MultiIndex.from_tuples([("price", "min"), ("price", "max"), ("stock", "sum")]),
)  # fmt: skip

CASES = (
    Case("series.csv", b",price\nLamp,12\nDesk,7\n", ("Lamp; price: 12", "Desk; price: 7")),
    Case("series_unnamed.csv", b",0\nLamp,oak\nDesk,ash\n", ("Lamp; 0: oak", "Desk; 0: ash")),
    Case(
        "series_levels.csv",
        b",,2020\nNorland,May,15.5\nSudland,,7.7\n",
        ("Norland; column 2: May; 2020: 15.5", "Sudland; 2020: 7.7"),
    ),
    Case(
        "title_on_the_right.csv",
        b",Stock list\nname,price\nLamp,12\nDesk,7\n",
        ("Stock list", "name: Lamp; price: 12"),
        ("Stock list: price",),
    ),
    Case(
        "last_heading_blank.csv",
        b"name,qty,\nAnn,5,x\nBob,6,y\n",
        ("name: Ann; qty: 5; column 3: x", "name: Bob; qty: 6; column 3: y"),
    ),
    Case("row_names_of_r.csv", b"qty,price\nAnn,5,7\nBob,6,8\n", ("Ann; qty: 5; price: 7",)),
    Case(
        "years.csv",
        b"Country,2018,2019,2020\nNorland,15.9,16.4,16.9\nSudland,8.1,8,7.7\n",
        ("Norland; 2018: 15.9; 2019: 16.4; 2020: 16.9", "2019: 8;"),
        ("Country; 2018",),
    ),
    Case("pandas_pivot.csv", PIVOT.to_csv().encode(), ("Norland; 2019: 15.5; 2020: 16.4", "2020: 7.0")),
    Case(
        "pandas_index.csv",
        pd.DataFrame({"name": ["Lamp", "Chair"], "price": [12, 55]}).to_csv().encode(),
        ("name: Lamp; price: 12", "name: Chair; price: 55"),
    ),
    Case(
        "pandas_levels.csv",
        LEVELS.to_csv().encode(),
        ("price min: 12.5; price max: 15.5; stock sum: 40", "Chair"),
    ),
    Case(
        "pandas_gaps.csv",
        pd.DataFrame({"a": [1.5, None], "b": [None, "x"], "c": ["y", "z"]}).to_csv(index=False).encode(),
        ("a: 1.5; c: y", "b: x; c: z"),
    ),
    Case(
        "blank_index.csv",
        b",2021,2022\nNorland,1.5,2.5\nSudland,3.5,4.5\n",
        ("Norland; 2021: 1.5; 2022: 2.5",),
    ),
    Case(
        "repeated.csv",
        b"name,score,score,note\nAnn,5,7,late\nBob,6,8,\n",
        ("name: Ann; score: 5; score: 7; note: late",),
    ),
    Case(
        "blank_heading.csv",
        b"product,,stock\nLamp,blue,40\nChair,red,7\n",
        ("product: Lamp", "stock: 40", "blue"),
        ("product; stock",),
    ),
    Case(
        "sep.csv",
        codecs.BOM_UTF8 + "sep=;\r\nProdukt;Preis\r\nStehlampe;12,50\r\nStühle;55,00\r\n".encode(),
        ("Produkt: Stehlampe; Preis: 12,50", "Produkt: Stühle"),
        ("sep=",),
    ),
    Case("sep_quoted.csv", b'"sep=\t"\nname\tage\nAnn\t30\n', ("name: Ann; age: 30",), ("sep=",)),
    Case(
        "utf16.csv",
        codecs.BOM_UTF16_LE + "Name\tOrt\r\nJürgen\tLübeck\r\n".encode("utf-16-le"),
        ("Name: Jürgen; Ort: Lübeck",),
    ),
    Case(
        "trailing.csv",
        b"product,price,stock,,\r\nLamp,12,40,,\r\nChair,55,7,,\r\n",
        ("product: Lamp; price: 12; stock: 40",),
        ("stock: 40;",),
    ),
    Case(
        "title.csv",
        b"Landings of the harbour,,\nAs of 1 May 2023,,\n,,\nfish,tons,price\ncod,40,3.5\n",
        ("Landings of the harbour", "As of 1 May 2023", "fish: cod; tons: 40; price: 3.5"),
    ),
    Case(
        "title_bare.csv",
        b"Export of members\n\nname;joined;fee\nAnn;2019;40\nBob;2020;35\n",
        ("Export of members", "name: Ann; joined: 2019; fee: 40"),
    ),
    Case(
        "facts_above.csv",
        b"Region:,North,,\nDate:,2023-05-01,,\n,,,\nid,name,city,fee\n1,Ann,Lund,4\n2,Bob,Oslo,5\n",
        ("Region: North", "id: 1; name: Ann; city: Lund; fee: 4"),
        ("Region: 1",),
    ),
    Case("no_heading.csv", b"Ann,1980,,Oslo\nBob,1975,3,Lund\n", ("Ann; 1980; ; Oslo", "Bob; 1975; 3; Lund")),
    Case("holes.csv", b"a,b,c\n1,,3\n,5,6\n", ("a: 1; c: 3", "b: 5; c: 6")),
    Case(
        "ragged.csv",
        b"name,city\nAnn,Lund,extra\nBob,Oslo\n",
        ("name: Ann; city: Lund", "extra"),
        (),
        ("1 row",),
    ),
    Case(
        "lines.csv",
        b'name,note\nAnn,"first\nsecond; third"\nBob,"say ""hi"""\n',
        ("name: Ann; note: first second; third", 'note: say "hi"'),
    ),
    Case(
        "latin.csv",
        "Straße;Größe\nGötheweg 4;80 m²\nMühlgasse 9;65 m²\n".encode("cp1252"),
        ("Straße: Götheweg 4; Größe: 80 m²",),
        (),
        ("a guess (",),
    ),
    Case("tabs.tsv", b"name\tsaid, once\nAnn\tyes, no\n", ("name: Ann; said, once: yes, no",)),
    Case("months.csv", b"Item,1,2,3,4,5\nCod,4.5,3.5,6.5,7,8\n", ("Item: Cod; 1: 4.5; 2: 3.5; 3: 6.5",)),
    Case(
        "decimal_comma.csv",
        b"Ort;2019;2020\nLund;4,5;5,5\nOslo;1,5;2,5\n",
        ("Ort: Lund; 2019: 4,5; 2020: 5,5",),
    ),
    Case(
        "row_names.csv",
        b'"name","price"\n"1","Lamp",12\n"2","Chair",55\n',
        ("1; name: Lamp; price: 12",),
        ("name: 1",),
    ),
    Case(
        "title_with_comma.csv",
        b"Report, all in euros\nproduct,price,stock\nLamp,12,40\nChair,55,7\n",
        ("Report; all in euros", "product: Lamp; price: 12; stock: 40"),
    ),
    Case(
        "words_twice.csv", b"name,tag,tag\nAnn,red,blue\nBob,red,green\n", ("name: Ann; tag: red; tag: blue",)
    ),
    Case(
        "dates.csv",
        b"Name,2020-01-01,2020-02-01\nAnn,5,6\nBob,7,8\n",
        ("Name: Ann; 2020-01-01: 5; 2020-02-01: 6",),
    ),
    Case(
        "ages.csv",
        b"Region,0-14,15-64,65+\nNorth,12.5,60,27\n",
        ("Region: North; 0-14: 12.5; 15-64: 60; 65+: 27",),
    ),
    Case(
        "merged_years.csv",
        b",2019,,2020,\n,min,max,min,max\nLund,1,2,3,4\nOslo,5,6,7,8\n",
        ("Lund; 2019 min: 1; 2019 max: 2; 2020 min: 3; 2020 max: 4",),
    ),
    Case("years_of_birth.csv", b"Ann,1980,1999\nBob,1975,2001\n", ("Ann; 1980; 1999",), ("1980:",)),
    Case("text_code.csv", b'code,name\n="007",Bond\n="008",Bill\n', ("code: 007; name: Bond",)),
)
