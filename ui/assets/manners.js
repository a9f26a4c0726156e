/* What the page does by itself in the browser: on a phone the sidebar goes away once something was chosen in it. */

const NARROW = "(max-width: 768px)"; // from here on Streamlit lays the sidebar over the page
const CHOICES = '[class*="-nav-"], .st-key-new-chat, [class*="st-key-thread-"]';
const CLOSE = '[data-testid="stSidebarCollapseButton"] button';

function leave({ target }) {
  if (!(target instanceof Element) || !matchMedia(NARROW).matches) return;
  if (target.closest(`:is(${CHOICES}) button`)) document.querySelector(CLOSE)?.click();
}

export default function () {
  document.addEventListener("click", leave);
  return () => document.removeEventListener("click", leave);
}
