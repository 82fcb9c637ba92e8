import type { Size } from './fit'
import type { Pane } from './pane.svelte'
import { POPUP } from './wirewindows'

/** Where a window is shown, in pixels of the desk. */
export interface Box extends Size {
  pane: Pane
  x: number
  y: number
  /** How far its parent, and so it, is shown from where it is at the host. */
  shift: { x: number; y: number }
  /** It has a bar with its title above it. */
  framed: boolean
}

/**
 * Lays out the windows of a tab, from below to above. The first one fills the
 * desk or stands in its middle; the others stand to their parent as at the
 * host, a dialog so that it and its bar are inside. scale is less than 1 when
 * one of them is larger than the desk.
 */
export function layOut(family: Pane[], desk: Size, bar: number): { boxes: Box[]; scale: number } {
  const root = family[0]
  if (!root) return { boxes: [], scale: 1 }
  const size = sizeOf(root)
  const scale = Math.min(1, ...family.filter((p) => !p.is(POPUP)).map((p) => shrink(sizeOf(p), desk, p === root ? 0 : bar)))
  const room = { width: desk.width / scale, height: desk.height / scale }
  const boxes: Box[] = [{ pane: root, ...size, x: middle(room.width, size.width), y: middle(room.height, size.height), shift: { x: 0, y: 0 }, framed: false }]
  for (const pane of family.slice(1)) {
    const shift = shiftOf(boxes.find((b) => b.pane.id === pane.told.parent) ?? boxes[0]!)
    const { x, y } = pane.moved ?? pane.told
    const box: Box = { pane, ...sizeOf(pane), x: x + shift.x, y: y + shift.y, shift, framed: !pane.is(POPUP) }
    if (box.framed) {
      box.x = within(box.x, 0, room.width - box.width)
      box.y = within(box.y, bar, room.height - box.height)
    }
    boxes.push(box)
  }
  return { boxes, scale }
}

/** How far a window is shown from where it is at the host. */
function shiftOf(box: Box): { x: number; y: number } {
  return { x: box.x - box.pane.told.x, y: box.y - box.pane.told.y }
}

/** How many times the size of a stage the smallest desk has on which these windows fit; at least 1. */
export function tightness(family: Pane[], stage: Size, bar: number): number {
  const root = family[0]
  const need = (p: Pane) => 1 / shrink({ width: p.told.minWidth, height: p.told.minHeight }, stage, p === root ? 0 : bar)
  return Math.max(1, ...family.filter((p) => !p.is(POPUP)).map(need))
}

/** How much smaller a window must be shown to fit. The bar above it shrinks with it. */
function shrink(size: Size, desk: Size, bar: number): number {
  return Math.min(desk.width / Math.max(size.width, 1), desk.height / Math.max(size.height + bar, 1))
}

function sizeOf(p: Pane): Size {
  return { width: p.width || p.told.width, height: p.height || p.told.height }
}

const middle = (room: number, size: number) => Math.max(0, Math.floor((room - size) / 2))
/** A place from least to most; least counts when there is no room. */
const within = (at: number, least: number, most: number) => Math.max(least, Math.min(at, most))
