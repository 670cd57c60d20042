// Painted from a data: address, since a canvas does not give away the pixels of a file.
async address => {
  const img = Object.assign(new Image(), {src: address});
  await img.decode();
  const context = Object.assign(document.createElement('canvas'), {width: 64, height: 64})
    .getContext('2d');
  context.drawImage(img, 0, 0, 64, 64);
  const alpha = context.getImageData(0, 0, 64, 64).data.filter((_, i) => i % 4 === 3);
  return alpha.filter(a => a > 250).length / alpha.length > 0.98;
}
