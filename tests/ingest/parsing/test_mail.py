"""Mail and what is attached to it."""

from pathlib import Path

from ingest.parsing import parse_file
from tests.ingest.parsing.papers import assert_sound, mail, pdf


def test_a_mail_is_read_under_its_subject_with_its_correspondents(tmp_path: Path) -> None:
    parsed = parse_file(mail(tmp_path / "m.eml", "Hello,\n\nthe fans have come.\n"))
    assert parsed.title == "Spare fans"
    assert parsed.text.startswith("Spare fans\n\nFrom: Stores <stores@lab.example>\nTo: Operator")
    assert "Date: Tue, 02 Jun 2026 09:30:00 +0200" in parsed.text
    assert "the fans have come." in parsed.text
    assert parsed.missing == ()
    assert_sound(parsed)


def test_an_attachment_that_can_be_read_follows_under_its_name(tmp_path: Path) -> None:
    sheet = pdf(tmp_path / "s.pdf", [[(72, 72, "Fan model AB-12")]])
    files = {"sheet.pdf": sheet.read_bytes(), "list.csv": b"Fan,rpm\nleft,900\n"}
    parsed = parse_file(mail(tmp_path / "m.eml", "See attached.", files))
    assert "Attachment: sheet.pdf\n\nFan model AB-12" in parsed.text
    assert "Attachment: list.csv\n\nFan | rpm\nleft | 900" in parsed.text
    assert parsed.missing == ()
    assert_sound(parsed)


def test_an_attachment_that_cannot_be_read_is_named_as_missing(tmp_path: Path) -> None:
    files = {"tool.exe": b"MZ\x00\x01" + bytes(200), "../../evil.pdf": b"not a PDF at all"}
    parsed = parse_file(mail(tmp_path / "m.eml", "See attached.", files))
    assert len(parsed.missing) == 2
    assert "'tool.exe': unsupported_type" in parsed.missing[0]
    assert "type_mismatch" in parsed.missing[1]


def test_a_mail_in_a_mail_in_a_mail_is_read_but_not_without_end(tmp_path: Path) -> None:
    path = mail(tmp_path / "0.eml", "The innermost words.")
    for depth in range(1, 6):
        inner = {"inner.eml": path.read_bytes()}
        path = mail(tmp_path / f"{depth}.eml", f"Layer {depth} of words.", inner)
    parsed = parse_file(path)
    assert "Layer 4 of words." in parsed.text
    assert "The innermost words." not in parsed.text
    assert any("nested too deep" in what for what in parsed.missing)


def test_attachments_over_the_limit_are_named_as_missing(tmp_path: Path) -> None:
    files = {f"{n}.txt": b"words" for n in range(1_002)}
    parsed = parse_file(mail(tmp_path / "m.eml", "See attached.", files))
    assert "Attachment: 999.txt" in parsed.text
    assert parsed.missing == ("attachments after the first 1,000: over the limit",)
