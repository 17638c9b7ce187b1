"""Plain texts and Markdown in the encodings of the world."""

from __future__ import annotations

import codecs

from tests.retrieval.readers.documents import Case

GERMAN = "Das Lager bleibt mittwochs für alle geschlossen. Größere Gruppen müssen vorher anrufen – danke."
FRENCH = "Le dépôt est fermé le mercredi. Les élèves déjà inscrits paient 12 € à l’entrée, où ça se règle."
POLISH = "Magazyn jest zamknięty w środy. Większe grupy muszą zadzwonić wcześniej, żeby uzgodnić wejście."
CZECH = "Sklad je ve středu zavřený. Větší skupiny musí předem zavolat, aby se dohodly na vstupu a ceně."
RUSSIAN = "Склад закрыт по средам. Большие группы должны заранее позвонить, чтобы договориться о входе."
GREEK = "Η αποθήκη είναι κλειστή κάθε Τετάρτη. Οι μεγάλες ομάδες πρέπει να τηλεφωνήσουν νωρίτερα."
TURKISH = (
    "Depo çarşamba günleri kapalıdır. Büyük grupların girişi için önceden aramaları gerekir, teşekkürler."
)
HEBREW = "המחסן סגור בימי רביעי. קבוצות גדולות צריכות להתקשר מראש כדי לתאם את הכניסה."
ARABIC = "المستودع مغلق يوم الأربعاء. يجب على المجموعات الكبيرة الاتصال مسبقا لترتيب الدخول."
JAPANESE = "倉庫の案内です。倉庫は毎週水曜日に休みます。大人数の場合は前もってお電話ください。"
CHINESE = "仓库每周三休息。团体参观请提前打电话预约，谢谢大家的合作。我们在河边的老码头等你。"
TAIWANESE = "倉庫每週三休息。團體參觀請提前打電話預約，謝謝大家的合作。我們在河邊的老碼頭等你。"
KOREAN = "창고는 매주 수요일에 쉽니다. 단체 관람은 미리 전화로 예약해 주세요. 감사합니다."
THAI = "คลังสินค้าปิดทุกวันพุธ กลุ่มใหญ่กรุณาโทรล่วงหน้าเพื่อนัดหมายการเข้าชม ขอบคุณครับ"
VIETNAMESE = "Kho đóng cửa vào thứ Tư. Các nhóm lớn phải gọi điện trước để hẹn giờ vào cửa, xin cảm ơn."

GUESSED = tuple(
    Case(f"{encoding}_{name}.txt", text.encode(encoding), (text.split(". ")[0].split("。")[0],), (), ("a guess (",))
    for name, text, encoding in (
        ("german", GERMAN, "cp1252"),
        ("french", FRENCH, "cp1252"),
        ("polish", POLISH, "cp1250"),
        ("czech", CZECH, "cp1250"),
        ("polish", POLISH, "iso8859_2"),
        ("russian", RUSSIAN, "cp1251"),
        ("russian", RUSSIAN, "koi8_r"),
        ("russian", RUSSIAN, "cp866"),
        ("greek", GREEK, "cp1253"),
        ("turkish", TURKISH, "cp1254"),
        ("hebrew", HEBREW, "cp1255"),
        ("arabic", ARABIC, "cp1256"),
        ("japanese", JAPANESE, "cp932"),
        ("japanese", JAPANESE, "euc_jp"),
        ("chinese", CHINESE, "gb18030"),
        ("taiwanese", TAIWANESE, "big5"),
        ("korean", KOREAN, "cp949"),
        ("thai", THAI, "cp874"),
    )
)  # fmt: skip

CASES = (
    *GUESSED,
    Case("mark.md", codecs.BOM_UTF8 + f"# Größe\n\n{GERMAN}".encode(), (GERMAN,)),
    Case("utf16.txt", codecs.BOM_UTF16_LE + JAPANESE.encode("utf-16-le"), ("倉庫は毎週水曜日に休みます",)),
    Case("utf16_bare.txt", GERMAN.encode("utf-16-le"), (GERMAN,), ("\x00",), ("UTF-16",)),
    Case("utf32.txt", codecs.BOM_UTF32_LE + POLISH.encode("utf-32-le"), (POLISH,)),
    Case("iso2022.txt", JAPANESE.encode("iso2022_jp"), ("倉庫は毎週水曜日に休みます",)),
    Case(
        "damaged.txt",
        (RUSSIAN * 5).encode() + b"\xd0",
        ("Склад закрыт по средам",),
        (),
        ("1 characters are damaged",),
    ),
    Case(
        "dos.txt", GERMAN.replace("–", "-").encode("cp437"), ("Größere Gruppen müssen",), (), ("a guess (",)
    ),
)
