// dom: elements of the page, made from text and never from markup.

const SVG = "http://www.w3.org/2000/svg";

export function id(name) {
  return document.getElementById(name);
}

export function make(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

export function drawn(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

// A canvas of this size in CSS pixels, sharp on every display; returns its context.
export function canvas(element, width, height) {
  const scale = window.devicePixelRatio || 1;
  element.width = Math.round(width * scale);
  element.height = Math.round(height * scale);
  element.style.width = `${width}px`;
  element.style.height = `${height}px`;
  const context = element.getContext("2d");
  context.scale(scale, scale);
  return context;
}

export function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

// Scroll a panel, which its children are placed in, until a child is well inside.
export function scrollIntoPanel(panel, element) {
  const top = element.offsetTop;
  const bottom = top + element.offsetHeight;
  if (top < panel.scrollTop + 20 || bottom > panel.scrollTop + panel.clientHeight - 20) {
    panel.scrollTop = Math.max(0, top - panel.clientHeight / 2);
  }
}
