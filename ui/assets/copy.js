// A button that puts the text it was given on the clipboard. Nothing of the text becomes markup.
const SHAPES = {
  copy: "M9 3h9a2 2 0 0 1 2 2v11h-2V5H9zM5 7h9a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V9a2 2 0 0 1 2-2zm0 2v10h9V9z",
  done: "M9.5 17.600 4 12.100l1.400-1.400 4.100 4.100 9.100-9.100L20 7.100z",
};

async function put(text, near) {
  if (window.isSecureContext && navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const area = document.createElement("textarea"); // plain HTTP of another machine has no clipboard
  area.value = text;
  area.style.cssText = "position:fixed;opacity:0";
  near.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  if (!copied) throw new Error("not allowed");
}

function picture(shape) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", SHAPES[shape]);
  svg.append(path);
  return svg;
}

export default function ({ data, parentElement }) {
  let button = parentElement.querySelector("button");
  let heard = parentElement.querySelector("p"); // what a screen reader says when it has changed
  if (!button) {
    button = document.createElement("button");
    button.type = "button";
    heard = document.createElement("p");
    heard.setAttribute("role", "status");
    parentElement.append(button, heard);
  }
  const show = (shape, words) => {
    button.replaceChildren(picture(shape), words);
    heard.textContent = words === "Copy" ? "" : words;
  };
  if (!button.firstChild) show("copy", "Copy");
  button.title = data.about;
  button.onclick = async () => {
    try {
      await put(data.text, parentElement);
      show("done", "Copied");
    } catch {
      show("copy", "The browser does not allow it");
    }
    button.focus();
    clearTimeout(button.back);
    button.back = setTimeout(() => show("copy", "Copy"), 2500);
  };
}
