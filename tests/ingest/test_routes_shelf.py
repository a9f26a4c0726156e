"""The list of documents is searched, filtered and paged; uploads end in words; deleting can be undone over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from corpus.errors import Conflict, NotAllowed, NotFound, UserError
from tests.ingest.conftest import Desk
from tests.ingest.test_routes import Service, service

__all__ = ["service"]

Json = dict[str, Any]


def get(service: Service, path: str, **query: object) -> Json:
    reply = service.http.get(path, params=query)
    assert reply.status_code == 200, reply.text
    found: Json = reply.json()
    return found


def names(reply: Json) -> list[str]:
    return [Path(d["source"]).name for d in reply["documents"]]


def put(desk: Desk, **files: str | bytes) -> None:
    for name, text in files.items():
        desk.write(name.replace("_", "."), text)
    desk.sync()


def test_a_list_is_paged_in_every_order_and_gives_each_document_once(
    service: Service, desk: Desk
) -> None:
    for n in range(25):
        desk.write(f"report {n}.txt", f"box {n} " * (n + 1))
    desk.write("bad.pdf", b"\x89PNG\r\n\x1a\n")
    desk.sync()
    for sort in ("name", "added", "size", "state"):
        seen: list[str] = []
        after: Json = {}
        while True:
            page = get(service, "/v1/documents", sort=sort, limit=7, **after)
            assert (page["total"], page["states"]) == (
                26,
                {"indexed": 25, "type_mismatch": 1},
            )
            seen += names(page)
            if page["next"] is None:
                break
            after = {"after": page["next"]}
        assert len(seen) == len(set(seen)) == 26
        if sort == "name":
            assert seen[:3] == ["bad.pdf", "report 0.txt", "report 1.txt"]
            assert seen[-1] == "report 24.txt"  # numbers by their size
        if sort == "size":
            assert seen[0] == "report 24.txt"
        if sort == "state":
            assert seen[0] == "bad.pdf"
    whole = get(service, "/v1/documents")
    assert (len(whole["documents"]), whole["next"]) == (26, None)
    one = whole["documents"][1]
    assert (one["strategy"], one["chunking"]) == ("recursive", "recursive-200-30")
    assert one["added"].startswith("20")


def test_a_page_goes_on_where_it_ended_though_documents_went_meanwhile(
    service: Service, desk: Desk
) -> None:
    for n in range(10):
        desk.write(f"{n}.txt", f"box {n}")
    desk.sync()
    first = get(service, "/v1/documents", limit=4)
    service.http.delete(f"/v1/documents/{first['documents'][3]['id']}")
    second = get(service, "/v1/documents", limit=4, after=first["next"])
    assert names(second) == ["4.txt", "5.txt", "6.txt", "7.txt"]


@pytest.mark.parametrize("after", ["x", "W10=", "WyJuYW1lIiwgMSwgMl0=", "é", "W3siYSI6MX1d"])
def test_a_page_of_nothing_is_refused(service: Service, desk: Desk, after: str) -> None:
    put(desk, a_txt="red box")
    with pytest.raises(UserError, match="no page of this list"):
        service.http.get("/v1/documents", params={"after": after})


def test_words_states_and_duplicates_narrow_the_list(service: Service, desk: Desk) -> None:
    put(
        desk,
        a_md="# Größe der Kisten\n\nred box",
        b_txt="red box",
        c_txt="red box",
        d_pdf=b"\x89PNG",
    )
    assert names(get(service, "/v1/documents", q="GRÖSSE kisten")) == ["a.md"]
    assert names(get(service, "/v1/documents", q="größe b.txt")) == []
    assert names(get(service, "/v1/documents", q="%")) == []
    bad = get(service, "/v1/documents", state="type_mismatch")
    assert (names(bad), bad["total"], sum(bad["states"].values())) == (["d.pdf"], 1, 4)
    both = get(service, "/v1/documents", state=["type_mismatch", "indexed"])
    assert both["total"] == 4
    same = get(service, "/v1/documents", duplicates=True)
    assert [(Path(d["source"]).name, d["duplicates"]) for d in same["documents"]] == [
        ("b.txt", 1),
        ("c.txt", 1),
    ]
    shown = get(service, f"/v1/documents/{same['documents'][0]['id']}")
    assert [Path(d["source"]).name for d in shown["duplicates"]] == ["c.txt"]


def test_the_chunks_of_a_document_come_in_reading_order_by_the_page(
    service: Service, desk: Desk
) -> None:
    put(desk, a_md="\n\n".join(f"# Part {n}\n\n" + f"The box {n} is red. " * 40 for n in range(9)))
    (document,) = desk.catalog.documents()
    path = f"/v1/documents/{document.id}/chunks"
    whole = get(service, path, limit=500)
    assert [c["n"] for c in whole["chunks"]] == list(range(1, whole["total"] + 1))
    starts = [c["start"] for c in whole["chunks"]]
    assert starts == sorted(starts)
    assert whole["next"] is None
    first = get(service, path, limit=2)
    second = get(service, path, limit=2, after=first["next"])
    assert first["chunks"] + second["chunks"] == whole["chunks"][:4]
    text = desk.catalog.text(document.id)
    for chunk in whole["chunks"]:
        assert text[chunk["start"] : chunk["end"]] == chunk["text"]
        assert chunk["tokens"] == desk.encoder.count_tokens(chunk["text"])
        assert isinstance(chunk["headings"], list)


def test_strategies_tell_what_they_are_good_for(service: Service) -> None:
    told = get(service, "/v1/strategies")
    assert (told["default"], told["size"]) == ("recursive", 200)
    assert {s["name"] for s in told["strategies"]} >= {"fixed", "recursive", "structure"}
    assert all(s["about"].endswith(".") for s in told["strategies"])


def test_deleting_can_be_undone_for_a_while(service: Service, desk: Desk) -> None:
    put(desk, a_txt="red box")
    (document,) = desk.catalog.documents()
    path = f"/v1/documents/{document.id}"
    gone = service.http.delete(path, params={"undo_s": 60}).json()
    assert get(service, "/v1/documents")["total"] == 0
    assert get(service, path)["gone"] is True
    assert desk.found("red") == []
    back = service.http.post(f"{path}/restore").json()
    assert back["snapshot"] > gone["snapshot"]
    assert desk.found("red") == ["a.txt"]
    service.http.delete(path)
    with pytest.raises(Conflict, match="any more"):
        service.http.post(f"{path}/restore")
    with pytest.raises(NotFound):
        service.http.post("/v1/documents/nobody/restore")
    for wrong in (-1, 3601, "soon"):
        assert service.http.delete(path, params={"undo_s": wrong}).status_code == 422


def test_a_document_is_queued_to_be_cut_otherwise(service: Service, desk: Desk) -> None:
    put(desk, a_txt="red box", d_pdf=b"\x89PNG")
    ids = {Path(d.source).name: d.id for d in desk.catalog.documents()}
    path = f"/v1/documents/{ids['a.txt']}/rechunk"
    reply = service.http.post(path, json={"strategy": "fixed", "size": 64})
    (job,) = service.jobs.jobs()
    assert (reply.status_code, reply.json()) == (202, {"job": job.id})
    wanted = {"document": ids["a.txt"], "strategy": "fixed", "size": 64}
    assert wanted.items() <= job.request["rechunk"].items()
    with pytest.raises(UserError, match="no chunking strategy"):
        service.http.post(path, json={"strategy": "magic"})
    with pytest.raises(Conflict, match="no text"):
        service.http.post(f"/v1/documents/{ids['d.pdf']}/rechunk", json={"strategy": "fixed"})
    for body in ({"strategy": "fixed", "size": 3}, {"strategy": "fixed", "size": 10**6}, {}):
        assert service.http.post(path, json=body).status_code == 422
    assert len(service.jobs.jobs()) == 1


def test_each_name_of_an_upload_that_cannot_be_used_ends_in_words(service: Service) -> None:
    given = [
        "reports/2026/q1.txt",
        "../secret.txt",
        "/etc/passwd",
        "line\nbreak\u202e.txt",
        "linebreak.txt",
        "x" * 300,
    ]
    files = [("files", (name, b"red box")) for name in given]
    reply = service.http.post("/v1/documents", files=files)
    assert reply.status_code == 202, reply.text
    (job,) = service.jobs.jobs()
    kept = [name for name, _ in job.request["uploads"]]
    assert kept[0] == "reports/2026/q1.txt"
    assert all(Path(path).read_bytes() == b"red box" for _, path in job.request["uploads"])
    refused = job.request["refused"]
    assert len(kept) + len(refused) == job.total == 6
    assert {f["state"] for f in refused} == {"unsafe_path"}
    assert all(f["reason"] and f["source"].startswith("upload:") for f in refused)


def test_of_a_file_that_is_too_large_only_its_size_is_kept(service: Service) -> None:
    files = [("files", ("big.txt", b"x" * (3 << 20))), ("files", ("none.txt", b""))]
    service.http.post("/v1/documents", files=files)
    (job,) = service.jobs.jobs()
    big, none = (Path(path) for _, path in job.request["uploads"])
    assert (big.stat().st_size, none.stat().st_size) == (3 << 20, 0)
    assert big.stat().st_blocks == 0


def test_folders_below_the_allowed_ones_are_watched_and_told_of(
    service: Service, desk: Desk, tmp_path: Path
) -> None:
    body = {"path": str(desk.folder), "collection": "work", "strategy": "fixed"}
    reply = service.http.post("/v1/folders", json=body)
    assert reply.status_code == 201
    made = reply.json()
    assert body.items() <= made.items()
    listed = get(service, "/v1/folders")
    assert (listed["folders"], listed["allowed"]) == ([made], [str(desk.folder)])
    for path, error in ((tmp_path, NotAllowed), (desk.folder / "nowhere", NotFound)):
        with pytest.raises(error):
            service.http.post("/v1/folders", json={"path": str(path)})
    file = desk.write("a.txt", "red box")
    with pytest.raises(NotFound, match="no folder"):
        service.http.post("/v1/folders", json={"path": str(file)})
    assert service.http.delete(f"/v1/folders/{made['id']}").json() == {"removed": made["id"]}
    assert get(service, "/v1/folders")["folders"] == []


def test_the_files_of_a_job_are_told_by_the_page_and_a_list_stays_small(
    service: Service, desk: Desk
) -> None:
    job = service.jobs.submit("default", uploads=[("a", "b")])
    job.unsaved = [{"source": f"{n}", "state": "indexed", "reason": ""} for n in range(70)]
    service.jobs._save(job)
    job.unsaved = [{"source": f"{n}", "state": "corrupt", "reason": "x"} for n in range(70, 75)]
    path = f"/v1/jobs/{job.id}"
    assert [f["source"] for f in get(service, path)["files"]] == [str(n) for n in range(75)]
    page = get(service, path, after=68, limit=4)
    assert [f["source"] for f in page["files"]] == ["68", "69", "70", "71"]
    assert [f["source"] for f in get(service, path, after=72)["files"]] == ["72", "73", "74"]
    assert get(service, path, after=75)["files"] == []
    (listed,) = get(service, "/v1/jobs")["jobs"]
    assert listed["states"] == {"indexed": 70, "corrupt": 5}
    assert [f["source"] for f in listed["files"]] == [str(n) for n in range(55, 75)]
