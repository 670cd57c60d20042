// What sticks out on the right of the screen: the innermost such element, or the table, listing,
// formula or drawing it is a part of.  What can be scrolled inside of the article is fine.
() => {
  const {all, article, visible, name} = checkBook;
  const root = document.documentElement, edge = root.clientWidth + 1, main = article();
  const sticksOut = el => {  // itself, or the text that runs out of it
    const box = el.getBoundingClientRect();
    if (!box.width || !box.height || !visible(el)) return false;
    return box.right > edge ||
      box.left + el.scrollWidth > edge && getComputedStyle(el).overflowX === 'visible';
  };
  const excused = el => {
    for (let node = el; node && node !== main; node = node.parentElement) {
      const {position, clip, clipPath, overflowX} = getComputedStyle(node);
      if (node.matches('.visually-hidden, .sr-only')) return true;
      if (position === 'absolute' && (clip !== 'auto' || clipPath !== 'none')) return true;
      if (node !== el && /auto|scroll/.test(overflowX)) return true;
    }
    return false;
  };
  const out = all('*', main).filter(el => !el.parentElement.closest('svg, mjx-container') &&
    sticksOut(el) && !excused(el));
  const holders = new Set(out.map(el => el.parentElement));
  const whole = el => el.closest('table, pre, dt') ?? el;
  const faults = [...new Set(out.filter(el => !holders.has(el)).map(whole))]
    .map(el => ['overflow', `sticks out of a ${root.clientWidth} px screen: ${name(el)}`]);
  if (root.scrollWidth > edge) faults.push(['overflow',
    `the page is ${root.scrollWidth} px wide on a ${root.clientWidth} px screen`]);
  return faults;
}
