"""The library: adding files, what became of each, and looking into one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import streamlit as st

from ui.api.wire import DocumentJson, JobJson
from ui.state import library, settings, state
from ui.views.outage import guarded
from ui.words.plain_words import label, name_of, pages_words, size, state_words
from ui.words.prose import plain, show

__all__ = ["draw"]

_ALL = "All"
_OVER = ("done", "failed", "cancelled")
_UPLOADS = "default"  # the service's own default collection
_PREVIEW = 3000  # characters
_ABOUT = 6  # pieces of metadata


def draw() -> None:
    """Draw the library."""
    jobs = _known_jobs()  # first: of a job that is over here, the list below holds every document
    documents = library().documents()["documents"]
    with st.container(key="library"):
        st.title("Library", anchor=False)
        _add(sorted({d["collection"] for d in documents}))
        _jobs(jobs)
        if documents:
            _table(documents)
        else:
            st.markdown(
                "Nothing here yet. Drop PDF, Word, PowerPoint, Excel, HTML, Markdown, mail, text, "
                "source code or pictures of text above; each file ends in a state you can see here."
            )


def _add(names: Sequence[str]) -> None:
    held = state()
    files = st.file_uploader(
        "Add documents",
        accept_multiple_files=True,
        key=f"files-{held.uploads}",
        help="They are read on this machine and stay on it.",
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        choices = sorted({*names, _UPLOADS})
        collection = st.selectbox(
            "Collection",
            choices,
            index=choices.index(_UPLOADS),
            accept_new_options=True,
            key="upload-collection",
            width=260,
        )
        what = f"Add {len(files)} files" if len(files) != 1 else "Add 1 file"
        if st.button(what if files else "Add", type="primary", disabled=not files, key="upload"):
            held.upload([(f.name, f.getvalue()) for f in files], collection or _UPLOADS)
            st.rerun()


def _known_jobs() -> list[JobJson]:
    """Running jobs, and those of this session."""
    mine = state().jobs
    return [j for j in library().jobs() if j["id"] in mine or j["state"] not in _OVER]


def _jobs(jobs: Sequence[JobJson]) -> None:
    """Each job with the progress of its files."""
    if any(j["state"] not in _OVER for j in jobs):
        st.fragment(_watch, run_every=settings().jobs_s)()
        return
    for job in jobs:
        _job(job)


@guarded
def _watch() -> None:
    mine = state().jobs
    running = False
    for job in library().jobs():
        if job["state"] not in _OVER:
            running = True
            mine.extend([job["id"]] if job["id"] not in mine else [])
        if job["id"] in mine:
            _job(job)
    if not running:
        st.rerun()


def _job(job: JobJson) -> None:
    with st.container(key=f"job-{job['id']}", border=True, gap="xsmall"):
        over = job["state"] in _OVER
        if not over:
            part = job["done"] / max(job["total"], 1)
            st.progress(
                part, f"Reading file {min(job['done'] + 1, job['total'])} of {job['total']}"
            )
            if st.button("Cancel", key=f"cancel-{job['id']}", type="tertiary"):
                library().cancel_job(job["id"])
        for file in job["files"]:
            st.markdown(_file_line(file["source"], file["state"], file["reason"], over))
        if job["error"]:
            st.markdown(f":red[{label(job['error'], 300)}]")
        if over:
            st.button("Dismiss", key=f"dismiss-{job['id']}", type="tertiary",
                      on_click=state().jobs.remove, args=(job["id"],))  # fmt: skip


def _file_line(source: str, ended: str | None, reason: str | None, over: bool) -> str:
    name = label(name_of(source), 70)
    if not ended:
        return f":gray[:material/{'block' if over else 'pending'}: {name}]"
    told = state_words(ended)
    mark = ":green[:material/check_circle:]" if told.searchable else ":orange[:material/error:]"
    why = "" if ended in ("indexed", "unchanged") else f" {label(reason or '', 200)}"
    return f"{mark} {name} · **{told.name}**{why}"


def _table(documents: Sequence[DocumentJson]) -> None:
    counts = Counter(state_words(d["state"]).name for d in documents)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        options = [_ALL, *counts]
        chosen = st.pills(
            "State",
            options,
            format_func=lambda o: f"{o} {counts[o] if o != _ALL else len(documents)}",
            default=_ALL,
            required=True,
            key="state-filter",
            label_visibility="collapsed",
        )
        words = st.text_input(
            "Find", key="find", placeholder="Find by name", label_visibility="collapsed", width=220
        )
    shown = [
        d for d in documents
        if chosen in (_ALL, state_words(d["state"]).name)
        and words.lower() in f"{d['title']} {d['source']}".lower()
    ]  # fmt: skip
    event = st.dataframe(
        [_row(d) for d in shown],
        hide_index=True,
        width="stretch",
        height=min(36 * (len(shown) + 1) + 2, 480),
        placeholder="",
        column_config={
            "Document": st.column_config.TextColumn(width="large"),
            "Reason": st.column_config.TextColumn(width="large"),
            **{
                name: st.column_config.Column(width="small") for name in ("Pages", "Chunks", "Size")
            },
        },
        on_select="rerun",
        selection_mode="single-row",
        key=f"documents-{chosen}-{words}",
    )
    rows = event["selection"]["rows"]
    if rows and rows[0] < len(shown):
        _details(shown[rows[0]])
    else:
        st.caption("Select a row to see what was read, or to delete the document.")


def _row(d: DocumentJson) -> dict[str, object]:
    return {
        "Document": d["title"] or name_of(d["source"]),
        "State": state_words(d["state"]).name,
        "Pages": d["pages"] or None,
        "Chunks": d["chunks"],
        "Size": size(d["size"]),
        "Collection": d["collection"],
        "Reason": d["reason"],
    }


def _details(d: DocumentJson) -> None:
    told = state_words(d["state"])
    with st.container(key="document", border=True):
        st.subheader(label(d["title"] or name_of(d["source"]), 120), anchor=False)
        st.caption(f"{label(d['source'], 200)} · {size(d['size'])}")
        st.markdown(f"**{told.name}.** {label(d['reason'], 300)} {told.advice}")
        _coverage(d)
        if told.searchable:
            _preview(d)
        if st.button("Delete document", icon=":material/delete:", key="delete-document"):
            _delete(d)


def _coverage(d: DocumentJson) -> None:
    """One line: how its pages were read, and what is known about it."""
    one = library().document(d["id"])
    about = [f"{key}: {value}" for key, value in one.get("metadata", {}).items()]
    words = [pages_words(one.get("page_details", [])), *about[:_ABOUT]]
    if any(words):
        st.caption(" · ".join(label(word, 100) for word in words if word))


def _preview(d: DocumentJson) -> None:
    read = library().text(d["id"], 0, _PREVIEW)
    more = f", the first {_PREVIEW:,} characters" if read["length"] > _PREVIEW else ""
    with st.expander(f"The text as it was read{more}"):
        show(plain(read["text"]), key=f"preview-{d['id']}", kind="source")


@st.dialog("Delete the document?")
@guarded
def _delete(d: DocumentJson) -> None:
    name = label(d["title"] or name_of(d["source"]))
    st.markdown(
        f"“{name}” is taken out of the library and of search. The file it came from "
        "is not touched; answers that quote it keep their quotes."
    )
    with st.container(horizontal=True):
        if st.button("Delete", type="primary", key="confirm-delete"):
            state().delete_document(d["id"])
            st.rerun()
        if st.button("Keep it"):
            st.rerun()
