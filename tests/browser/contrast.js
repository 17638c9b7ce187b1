// The contrast of every visible text against what lies behind it, by WCAG's formula.
() => {
  const parse = (colour) => {
    const [r, g, b, a = 1] = colour.match(/[\d.]+/g).map(Number);
    return [r, g, b, a];
  };
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) =>
      c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4,
    );
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim();
    const element = walker.currentNode.parentElement;
    if (
      !text ||
      !element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) ||
      element.closest(".cx-sr, style, script")
    )
      continue;
    const lights = [luminance(parse(getComputedStyle(element).color)), luminance(behind(element))].sort(
      (a, b) => b - a,
    );
    found.push({
      text: text.slice(0, 40),
      class: element.className,
      contrast: (lights[0] + 0.05) / (lights[1] + 0.05),
    });
  }
  return found;
};
