"""Adding files and folders: choosing them, sending them on, and what becomes of each."""

from __future__ import annotations

import streamlit as st

from ui.api.following import Followed
from ui.api.shelf import Upload
from ui.state import forget_documents, library, service, settings, state, status
from ui.views.library import drawn
from ui.views.outage import guarded
from ui.words.plain_words import label, size
from ui.words.shelf_words import minutes, states_words

__all__ = ["DEFAULT", "choices", "draw"]

DEFAULT = "default"  # the service's own default collection
_FILES, _FOLDER = "Files", "A whole folder"
_SHOWN = 20  # files of an upload
_LARGEST_MB = 200  # where the service does not say


def draw() -> None:
    """Draw the chooser, what is chosen, and every upload of this session."""
    with st.container(key="adding", gap="small"):
        _chooser()
        if state().shelf.chosen:
            _chosen()
    _uploads()


def choices() -> list[str]:
    """The collections that something can be added to."""
    return sorted({DEFAULT, *(found["name"] for found in status()["collections"])})


def _chooser() -> None:
    held = state().shelf
    kind = st.segmented_control(
        "What to add", [_FILES, _FOLDER], default=_FILES, required=True, key="add-kind",
        label_visibility="collapsed",
    )  # fmt: skip
    largest = min(status().get("max_file_mib", _LARGEST_MB), st.get_option("server.maxUploadSize"))
    key = f"files-{held.choosers}-{kind}"

    def chosen() -> None:
        if key != f"files-{held.choosers}-{kind}":
            return  # a second press of Add tells again of the chooser that the first one emptied
        files = st.session_state[key]
        held.chosen = tuple((file.name, file, file.size) for file in files)

    st.file_uploader(
        "Add documents",
        accept_multiple_files="directory" if kind == _FOLDER else True,
        key=key,
        max_upload_size=largest,
        on_change=chosen,
        label_visibility="collapsed",
    )
    st.caption(
        "PDF, Word, PowerPoint, Excel, HTML, Markdown, mail, text, source code, pictures, ZIP. "
        f"A file over {largest} MB has to be split. All of it stays on this machine."
    )
    if kind == _FOLDER:  # a browser took 4 minutes for 1,000 small files
        st.caption(
            "For more than a few hundred files, watch the folder or use `alcove ingest FOLDER`: a "
            "browser is slow at handing over that many."
        )


def _chosen() -> None:
    """What will be added, and where to."""
    held = state().shelf
    names = [label(name, 40) for name, _, _ in held.chosen[:2]]
    more = len(held.chosen) - len(names)
    files = "1 file" if len(held.chosen) == 1 else f"{len(held.chosen):,} files"
    said = ", ".join(names) + (f" and {more:,} more" if more else "")
    with st.container(key="chosen", border=True):
        st.markdown(f"**{files}**, {size(sum(s for _, _, s in held.chosen))}: {said}")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            names = choices()
            st.selectbox(
                "Collection", names, index=names.index(held.collection or DEFAULT),
                accept_new_options=True, key="upload-collection", width=260,
                help="Choose one, or write the name of a new one.",
            )  # fmt: skip
            st.button(f"Add {files}", type="primary", key="upload", on_click=_add)
            st.button("Discard", key="discard", type="tertiary", on_click=held.discard)


def _add() -> None:
    """Send the chosen files on; done before the page is drawn, so that an outage cannot lose the press."""
    if state().shelf.chosen:
        state().shelf.add(library(), st.session_state["upload-collection"] or DEFAULT)


def _uploads() -> None:
    """Every upload; while one is at work, drawn again and again by themselves."""
    held = state().shelf
    at_work = not all(upload.over for upload in held.uploads)
    if held.uploads:
        st.fragment(_watch, run_every=settings().jobs_s if at_work else None)()


@guarded
def _watch() -> None:
    held = state().shelf
    before = sum(f.over for upload in held.uploads for f in upload.followed)
    for number, upload in enumerate(held.uploads):
        if upload.sending.away:
            service().ready()  # raises while it is still away
            upload.sending.go_on()
        if not upload.over:
            upload.look(library())
        _upload(number, upload)
    if sum(f.over for upload in held.uploads for f in upload.followed) > before:
        forget_documents()
        st.rerun()  # the list has more to show


def _upload(number: int, upload: Upload) -> None:
    with st.container(key=f"upload-{number}", border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            total = upload.sending.total
            files = "1 file" if total == 1 else f"{total:,} files"
            st.markdown(f"**{files}** to {label(upload.collection)}", width="stretch")
            _upload_buttons(number, upload)
        if not upload.over:
            st.progress(*_progress(upload))
        _trouble(number, upload)
        states: dict[str, int] = {}
        for job in upload.followed:
            for file in (*job.bad, *job.good):
                states[file["state"] or ""] = states.get(file["state"] or "", 0) + 1
        if total > 1 and states:
            counts = states_words(states).items()
            st.caption(" · ".join(f"{label(name)} {count:,}" for name, count in counts))
        _files(number, upload)


def _upload_buttons(number: int, upload: Upload) -> None:
    if upload.over:
        st.button(
            "Dismiss", key=f"dismiss-{number}", type="tertiary",
            on_click=state().shelf.uploads.remove, args=(upload,),
        )  # fmt: skip
    elif st.button("Cancel", key=f"cancel-{number}", type="tertiary"):
        upload.sending.drop()
        for job in upload.sending.jobs:
            library().cancel_job(job)


def _progress(upload: Upload) -> tuple[float, str]:
    """How far it is, from 0 to 1 and in words."""
    total = max(upload.sending.total, 1)
    done = sum(job.done for job in upload.followed) + len(upload.sending.refused)
    sent = total - upload.sending.left
    words = f"Read {min(done, total):,} of {total:,}"
    if upload.sending.left:
        words += f" · sent {sent:,}"
    left = _left(upload.followed, total - done)
    return min(done / total, 1.0), words + (f" · {minutes(left)} left" if left else "")


def _left(jobs: list[Followed], files: int) -> float | None:
    """Seconds for so many files, at the pace of the job that is at work."""
    for job in jobs:
        if job.eta_s and job.total > job.done:
            return job.eta_s / (job.total - job.done) * files
    return None


def _trouble(number: int, upload: Upload) -> None:
    sending = upload.sending
    for job in upload.followed:
        if job.error:
            st.markdown(f":red[{label(job.error, 300)}]")
        elif job.state == "cancelled":
            st.caption(f"Cancelled after {job.done:,} of {job.total:,} files; those stay.")
    for name, reason in sending.refused[:_SHOWN]:
        st.markdown(f":orange[:material/error:] {label(name, 60)}: {label(reason, 300)}")
    if sending.trouble:
        st.markdown(
            f":red[{label(sending.trouble, 300)}] The {sending.left:,} files that were not taken are "
            "kept here."
        )
        with st.container(horizontal=True):
            st.button("Send them again", key=f"again-{number}", on_click=sending.go_on)
            st.button(
                "Let go of them", key=f"drop-{number}", type="tertiary", on_click=sending.drop
            )


def _files(number: int, upload: Upload) -> None:
    """The files that were read, those with something to be said about them first."""
    bad = [file for job in upload.followed for file in job.bad]
    good = [file for job in upload.followed for file in job.good]
    total = len(bad) + len(good)
    if not total:
        return
    key = f"upload-at-{number}"
    at = min(st.session_state.get(key, 0), max(total - 1, 0) // _SHOWN * _SHOWN)
    drawn.files((bad + good)[at : at + _SHOWN], key=f"upload-files-{number}")
    if total > _SHOWN:
        with st.container(horizontal=True, vertical_alignment="center", key=f"turn-{number}"):
            st.caption(
                f"{at + 1:,} to {min(at + _SHOWN, total):,} of {total:,}, problems first",
                width="stretch",
            )
            for step, icon, words in ((-_SHOWN, "left", "Before"), (_SHOWN, "right", "Next")):
                st.button(
                    words, icon=f":material/chevron_{icon}:",
                    key=f"{key}-{icon}", type="tertiary", disabled=not 0 <= at + step < total,
                    on_click=st.session_state.__setitem__, args=(key, at + step),
                )  # fmt: skip
