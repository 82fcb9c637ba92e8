/**
 * Where the items of a grid stand of which only a part is in the document: rows
 * of equal height, but for a few that are known to be taller. Lengths are CSS
 * pixels.
 */
export interface Layout {
  count: number
  columns: number
  /** Of a row without its gap. */
  height: number
  gap: number
  /** How much taller than height some rows are, by row. */
  extra: ReadonlyMap<number, number>
}

export function columnsFor(width: number, least: number, gap: number): number {
  return least <= 0 ? 1 : Math.max(1, Math.floor((width + gap) / (least + gap)))
}

export const rowsOf = (l: Layout): number => Math.ceil(l.count / l.columns)

/** How far below the grid's top a row begins. */
export function topOf(l: Layout, row: number): number {
  let top = row * (l.height + l.gap)
  for (const [r, more] of l.extra) if (r < row) top += more
  return top
}

/** The height of all rows. */
export function heightOf(l: Layout): number {
  const rows = rowsOf(l)
  return rows === 0 ? 0 : topOf(l, rows) - l.gap
}

/** The first row that ends below y. */
export function rowAt(l: Layout, y: number): number {
  let low = 0
  let high = rowsOf(l)
  while (low < high) {
    const middle = (low + high) >> 1
    if (topOf(l, middle + 1) - l.gap <= y) low = middle + 1
    else high = middle
  }
  return low
}

/** The rows that are seen between two heights: from the first up to, but not with, the second. */
export function rowsBetween(l: Layout, from: number, to: number): [number, number] {
  const rows = rowsOf(l)
  if (to <= from) return [0, 0]
  const first = rowAt(l, from)
  let end = first
  while (end < rows && topOf(l, end) < to) end++
  return [first, end]
}

/** The element that scrolls what is in it. */
export function scrollerOf(node: HTMLElement): HTMLElement {
  for (let at = node.parentElement; at; at = at.parentElement) {
    if (/auto|scroll/.test(getComputedStyle(at).overflowY)) return at
  }
  return document.documentElement
}
