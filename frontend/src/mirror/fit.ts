interface Size {
  width: number
  height: number
}

/**
 * How large a picture of source pixels is shown in a box of CSS pixels. Made
 * larger it stays crisp: each source pixel is a whole number of device pixels.
 * Made smaller it is smoothed.
 */
export function fit(source: Size, box: Size, dpr: number): Size & { crisp: boolean } {
  if (source.width === 0 || source.height === 0) return { width: 0, height: 0, crisp: true }
  const most = Math.min((box.width * dpr) / source.width, (box.height * dpr) / source.height)
  const scale = most >= 1 ? Math.floor(most) : Math.max(most, 0.01)
  return {
    width: (source.width * scale) / dpr,
    height: (source.height * scale) / dpr,
    crisp: most >= 1,
  }
}
