"""Files on their way to the service: in batches, kept until they are taken, the refused named."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO

import pytest

from tests.ui.fake_service import FakeService
from ui.api.client import Service
from ui.api.documents import DocumentService
from ui.api.sending import BATCH_FILES, Sending, sent_name
from ui.api.shelf import Shelf, Upload

PATIENCE_S = 30.0


def send(client: Service, names: Iterable[str], collection: str = "default") -> Sending:
    files = [(name, BytesIO(b"It says so.")) for name in names]
    sending = Sending(DocumentService(client), files, collection)
    sending.wait(PATIENCE_S)
    return sending


def read(upload: Upload, client: Service) -> Upload:
    while not upload.over:
        upload.look(DocumentService(client))
    return upload


def test_many_files_go_in_batches_and_are_all_read(fake: FakeService, client: Service) -> None:
    fake.store.reading_s = 0.0
    names = [f"{n}.txt" for n in range(BATCH_FILES + 5)]
    sending = send(client, names)
    assert (len(sending.jobs), sending.left, sending.trouble) == (2, 0, "")
    upload = read(Upload(sending, "default"), client)
    files = [file["source"] for job in upload.followed for file in (*job.bad, *job.good)]
    assert files == [f"upload:{name}" for name in names]


def test_what_was_not_taken_is_kept_and_sent_again(fake: FakeService, client: Service) -> None:
    fake.stop()
    sending = send(client, ["a.txt", "b.txt"])
    assert (sending.left, sending.away) == (2, True)
    fake.start()
    sending.go_on()
    sending.wait(PATIENCE_S)
    assert (sending.left, sending.away, len(sending.jobs)) == (0, False, 1)


def test_a_refused_file_is_named_and_the_others_go_on(fake: FakeService, client: Service) -> None:
    sending = send(client, ["a.txt", "refuse-me.txt", "b.txt"])
    assert [name for name, _ in sending.refused] == ["refuse-me.txt"]
    assert "rename" in sending.refused[0][1]
    assert (sending.left, len(sending.jobs), sending.trouble) == (0, 2, "")


def test_what_is_refused_whatever_the_file_is_said_once(fake: FakeService, client: Service) -> None:
    sending = send(client, ["a.txt", "b.txt"], collection="not yours")
    assert (sending.left, sending.refused, sending.away) == (2, [], False)
    assert "not yours" in sending.trouble
    sending.drop()
    assert sending.over


def test_who_leaves_takes_along_what_was_not_sent(fake: FakeService, client: Service) -> None:
    fake.stop()
    shelf = Shelf()
    shelf.uploads.append(Upload(send(client, ["a.txt"]), "default"))
    shelf.chosen = (("b.txt", BytesIO(b""), 0),)
    shelf.leave()
    assert (shelf.uploads[0].sending.left, shelf.chosen) == (0, ())


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("reports/2026/q1.pdf", "reports/2026/q1.pdf"),
        ("a\nb\u202ec.txt", "a b c.txt"),
        ("a%0Ab.txt", "a b.txt"),
        ("C:\\docs\\x.pdf", "C:/docs/x.pdf"),
        ("\u200b", "file"),
    ],
)
def test_names_are_made_safe_to_send(name: str, sent: str) -> None:
    assert sent_name(name) == sent


def test_a_name_that_is_too_long_keeps_its_ending() -> None:
    assert sent_name("x" * 500 + ".pdf").endswith("….pdf")
    assert len(sent_name("x" * 500 + ".pdf")) <= 150
