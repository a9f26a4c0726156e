// Builds the nodes that ui/prose.py made. Elements come only from TAGS and text only through text
// nodes, so nothing that a document or a model wrote can become markup.
const TAGS = new Set(
  ("p h3 strong em s code pre ul ol li blockquote hr br table thead tbody tr th td mark u cite div").split(" "),
);

function build(node, press) {
  if (typeof node === "string") return document.createTextNode(node);
  const [tag, ...children] = node;
  if (tag === "cite") return citation(Number(children[0]), press);
  const element = document.createElement(TAGS.has(tag) ? tag : "div");
  element.append(...children.map((child) => build(child, press)));
  if (tag !== "table") return element;
  const frame = document.createElement("div"); // a wide table scrolls by itself
  frame.className = "frame";
  frame.append(element);
  return frame;
}

function citation(number, press) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "cite";
  button.textContent = String(number);
  button.setAttribute("aria-label", `Open source ${number}`);
  button.onclick = () => press(number);
  return button;
}

// Blocks that are as they were stay as they are: an answer grows at its end, and what somebody has
// selected further up in it stays selected.
function grow(root, data) {
  const wanted = data.nodes.map((node) => JSON.stringify(node));
  const had = root.blocks || [];
  let same = 0;
  while (same < wanted.length && wanted[same] === had[same]) same += 1;
  while (root.childNodes.length > same) root.lastChild.remove();
  root.append(...data.nodes.slice(same).map((node) => build(node, (n) => root.press(n))));
  root.blocks = wanted;
  for (const button of root.querySelectorAll("button.cite")) {
    if (Number(button.textContent) === data.active) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  let root = parentElement.querySelector(".prose");
  const fresh = !root;
  if (fresh) {
    root = document.createElement("div");
    parentElement.append(root);
  }
  // Always the newest: one of a fragment that is gone, in which an answer grew, leads nowhere.
  root.press = (number) => setTriggerValue("cite", number);
  const wanted = JSON.stringify(data);
  if (root.dataset.shown === wanted) return;
  root.dataset.shown = wanted;
  root.className = `prose ${data.kind}`;
  root.dir = "auto";
  grow(root, data);
  const mark = root.querySelector("mark");
  if (fresh && data.newest) {
    root.style.scrollMarginTop = "5rem"; // below the page's own header
    setTimeout(() => root.scrollIntoView({ block: "start" }), 100); // once the page has laid it out
  }
  if (mark && data.kind === "source") {
    const below = mark.getBoundingClientRect().top - root.getBoundingClientRect().top;
    root.scrollTop += below - root.clientHeight / 3;
  }
}
