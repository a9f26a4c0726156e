/* What the page does by itself in the browser: on a phone the sidebar goes away once something was chosen in it; a
   question that could not be asked stands in the line again, once, also when Streamlit lost it on the way. */

const NARROW = "(max-width: 768px)"; // from here on Streamlit lays the sidebar over the page
const CHOICES = '[class*="-nav-"], .st-key-new-chat, [class*="st-key-thread-"]';
const CLOSE = '[data-testid="stSidebarCollapseButton"] button';

function leave({ target }) {
  if (!(target instanceof Element) || !matchMedia(NARROW).matches) return;
  if (target.closest(`:is(${CHOICES}) button`)) document.querySelector(CLOSE)?.click();
}

const LINE = '[data-testid="stChatInputTextArea"]';
const LATER_MS = 400; // Streamlit's own way comes first

function putBack({ unsent, refusals }) {
  const line = document.querySelector(LINE);
  if (!line || window.alcoveGivenBack === refusals) return;
  window.alcoveGivenBack = refusals;
  if (line.value) return;
  Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(line, unsent);
  line.dispatchEvent(new Event("input", { bubbles: true }));
}

export default function ({ data }) {
  document.addEventListener("click", leave);
  const later = data?.unsent ? setTimeout(putBack, LATER_MS, data) : 0;
  return () => {
    clearTimeout(later);
    document.removeEventListener("click", leave);
  };
}
