"""Web pages in the encodings that they declare, by the names that the web has for them."""

from __future__ import annotations

import codecs

from tests.retrieval.readers.documents import Case
from tests.retrieval.readers.documents.pages import page


def declared(label: str, body: str, encoding: str) -> bytes:
    """A page whose meta names its encoding by this label."""
    return page(body, f'<meta http-equiv="Content-Type" content="text/html; charset={label}">', encoding)


CASES = (
    Case(
        "latin1.html",
        declared("ISO-8859-1", "<p>Open 2011–2014, €12 “per day”, the crew’s hut.</p>", "cp1252"),
        ("Open 2011–2014, €12 “per day”, the crew’s hut.",),
        ("\x96", "20112014"),
    ),
    Case(
        "ascii_label.html",
        declared("us-ascii", "<p>Bœuf à la façon du chef – 14 €</p>", "cp1252"),
        ("Bœuf à la façon du chef – 14 €",),
    ),
    Case(
        "latin5.html",
        declared("iso-8859-9", "<p>Işık hızı saniyede “300 bin” km</p>", "cp1254"),
        ("Işık hızı saniyede “300 bin” km",),
    ),
    Case("gb2312.html", declared("gb2312", "<p>朱镕基与陶喆在镕炉</p>", "gbk"), ("朱镕基与陶喆在镕炉",)),
    Case(
        "gb_four_bytes.html", declared("gb2312", "<p>㐀是一个字，䶮也是</p>", "gb18030"), ("㐀是一个字，䶮也是",)
    ),
    Case(
        "x_sjis.html",
        declared("x-sjis", "<p>第①章 髙橋さんの㈱山﨑商店</p>", "cp932"),
        ("第①章 髙橋さんの㈱山﨑商店",),
    ),
    Case("euc_kr.html", declared("euc-kr", "<p>똠방각하와 펲시콜라, 뷁</p>", "cp949"), ("똠방각하와 펲시콜라, 뷁",)),
    Case(
        "ks_c.html", declared("ks_c_5601-1987", "<p>창고는 수요일에 쉽니다</p>", "cp949"), ("창고는 수요일에 쉽니다",)
    ),
    Case(
        "big5_hkscs.html",
        declared("big5-hkscs", "<p>深水埗的餸菜，啲嘢喺邊</p>", "big5hkscs"),
        ("深水埗的餸菜，啲嘢喺邊",),
    ),
    Case(
        "euc_jp.html", declared("x-euc-jp", "<p>倉庫は水曜日に休みます</p>", "euc_jp"), ("倉庫は水曜日に休みます",)
    ),
    Case("koi8.html", declared("koi8-r", "<p>Склад закрыт по средам</p>", "koi8-r"), ("Склад закрыт по средам",)),
    Case(
        "xml_declaration.html",
        '<?xml version="1.0" encoding="windows-1251"?><!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml">'
        "<body><p>Паром идёт в девять</p></body></html>".encode("cp1251"),
        ("Паром идёт в девять",),
    ),
    Case(
        "mark_beats_meta.html",
        codecs.BOM_UTF8 + declared("windows-1250", "<p>Café – 5 €</p>", "utf-8"),
        ("Café – 5 €",),
        ("Ã",),
    ),
    Case(
        "utf16_mark.html",
        codecs.BOM_UTF16_BE + declared("iso-8859-1", "<p>Η Αθήνα – 5 €</p>", "utf-16-be"),
        ("Η Αθήνα – 5 €",),
    ),
    Case("utf16_label.html", declared("utf-16", "<p>Žluťoučký kůň</p>", "utf-8"), ("Žluťoučký kůň",)),
    Case(
        "stale_meta.html",
        declared("iso-8859-1", "<p>The café opens at 9 – the fee is 5 €</p>", "utf-8"),
        ("The café opens at 9 – the fee is 5 €",),
        ("Ã",),
        ("UTF-8",),
    ),
    Case(
        "meta_in_comment.html",
        page("<p>Naïve café</p>", "<!-- <meta charset='utf-16'> --><script>'<meta charset=big5>'</script>"
             "<meta content='text/html; charset = \"latin1\"' http-equiv=content-type>", "cp1252"),
        ("Naïve café",),
    ),
    Case(
        "late_meta.html",
        page("<p>Läßt 5 € übrig</p>", f"<style>{'p {color: red} ' * 200}</style><meta charset=windows-1252>", "cp1252"),
        ("Läßt 5 € übrig",),
    ),
    Case(
        "undeclared.html",
        page("<p>Das Lager bleibt mittwochs für alle Gäste geschlossen, außer in den Ferien.</p>", "<title>x</title>",
             "cp1252"),
        ("Das Lager bleibt mittwochs für alle Gäste geschlossen",),
        (),
        ("a guess",),
    ),
)  # fmt: skip
