// Colours in the dark theme.  Pictures that may have holes come back for a look at their pixels.
() => {
  const {all, article, visible, name, drawings} = checkBook;
  const faults = [];
  const canvas = Object.assign(document.createElement('canvas'), {width: 1, height: 1});
  const context = canvas.getContext('2d', {willReadFrequently: true});
  const memo = work => {
    const known = new Map();
    return key => known.has(key) ? known.get(key) : known.set(key, work(key)).get(key);
  };
  const rgba = memo(css => {  // by painting one pixel, since CSS has many ways to write a colour
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = css;
    context.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  });
  const over = ([r, g, b, a], under) => [r, g, b].map((c, i) => c * a + under[i] * (1 - a));
  const luminance = rgb => rgb.map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const contrast = (one, two) => {
    const [low, high] = [luminance(one), luminance(two)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const bare = getComputedStyle(document.documentElement).colorScheme.startsWith('dark') ? 18 : 255;
  const behind = memo(el => {  // null: an image or a gradient lies there, no way to tell
    if (!el) return [bare, bare, bare];
    const {backgroundImage, backgroundColor} = getComputedStyle(el);
    if (backgroundImage !== 'none') return null;
    const colour = rgba(backgroundColor);
    const under = colour[3] < 1 ? behind(el.parentElement) : [0, 0, 0];
    return under && over(colour, under);
  });
  const judge = (what, [r, g, b, a], opacity, ground, needed) => {
    if (!ground || a * opacity === 0) return;
    const ratio = contrast(over([r, g, b, a * opacity], ground), ground);
    if (ratio < needed)
      faults.push(['dark', `contrast ${ratio.toFixed(1)}, needs ${needed}: ${what}`]);
  };
  all('mjx-container').filter(visible).forEach(formula =>
    [formula, ...all('[style*=color]', formula)].forEach(el =>
      judge(name(formula), rgba(getComputedStyle(el).color), 1, behind(el), 4.5)));

  // The ground of a text in a drawing: the shapes drawn before it that cover its centre.
  const ground = (text, svg) => {
    const box = text.getBoundingClientRect();
    const centre = new DOMPoint(box.x + box.width / 2, box.y + box.height / 2);
    return all('rect, circle, ellipse, path, polygon', svg).filter(shape =>
      shape.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING && visible(shape) &&
      !shape.closest('defs, clipPath, mask, marker, symbol, pattern') && shape.getScreenCTM() &&
      shape.isPointInFill(centre.matrixTransform(shape.getScreenCTM().inverse()))
    ).reduce((under, shape) => {
      const {fill, fillOpacity} = getComputedStyle(shape);
      if (fill === 'none' || !under) return under;
      if (fill.startsWith('url')) return null;
      const [r, g, b, a] = rgba(fill);
      return over([r, g, b, a * fillOpacity], under);
    }, behind(svg));
  };
  drawings().filter(visible).forEach(svg => all('text, tspan', svg).forEach(text => {
    const {fill, fillOpacity} = getComputedStyle(text);
    if (text.textContent.trim() && visible(text) && !/none|url/.test(fill))
      judge(name(text), rgba(fill), fillOpacity, ground(text, svg), 3);
  }));

  // Black lines on a picture without a ground of its own must stay legible.
  const pictures = all('img:not(.only-dark, .dark-light)', article()).filter(img => {
    const ground = behind(img);
    return visible(img) && img.naturalWidth && ground && contrast([0, 0, 0], ground) < 4.5 &&
      !getComputedStyle(img).filter.includes('invert(');
  }).map(img => [img.currentSrc, name(img)]);
  return {faults, pictures};
}
