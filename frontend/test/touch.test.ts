import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Touch } from '../src/mirror/touch'
import { Zoom } from '../src/mirror/zoom.svelte'

let log: string[]
let touch: Touch
beforeEach(() => {
  vi.useFakeTimers()
  log = []
  const n = (v: number) => Math.round(v * 100) / 100
  touch = new Touch(
    {
      point: (x, y, phase) => log.push(`${phase} ${x},${y}`),
      button: (b, down) => log.push(`${b}${down ? '+' : '-'}`),
      turn: (dx, dy) => log.push(`turn ${n(dx)},${n(dy)}`),
      zoom: (f, x, y, dx, dy) => log.push(`zoom ${n(f)} ${x},${y} ${dx},${dy}`),
    },
    () => Date.now(),
  )
})
afterEach(() => void vi.useRealTimers())

it('clicks where a finger taps', () => {
  touch.down(1, 10, 20)
  touch.move(1, 12, 21)
  touch.up(1)
  expect(log).toEqual(['press 10,20', '1+', '1-'])
})

it('points where a finger moves, without a button', () => {
  touch.down(1, 10, 20)
  touch.move(1, 40, 20)
  touch.up(1)
  expect(log).toEqual(['press 10,20', 'move 40,20'])
})

it('clicks right where a finger rests', () => {
  touch.down(1, 10, 20)
  vi.advanceTimersByTime(500)
  touch.move(1, 80, 20)
  touch.up(1)
  expect(log).toEqual(['press 10,20', '3+', '3-'])
})

it('drags after a tap, and makes a double click of two', () => {
  touch.down(1, 10, 20)
  touch.up(1)
  vi.advanceTimersByTime(100)
  touch.down(2, 14, 20)
  touch.move(2, 60, 20)
  touch.up(2)
  expect(log.slice(3)).toEqual(['press 14,20', '1+', 'hold 60,20', '1-'])
})

it('turns the wheel by fractions of a notch', () => {
  touch.down(1, 100, 100)
  touch.down(2, 140, 100)
  touch.move(1, 100, 88)
  touch.move(2, 140, 88)
  touch.move(1, 100, 84)
  touch.up(1)
  touch.move(2, 140, 0)
  touch.up(2)
  expect(log).toEqual(['press 100,100', 'turn 0,0.3', 'turn 0,0.05'])
})

it('zooms where two fingers part', () => {
  touch.down(1, 100, 100)
  touch.down(2, 200, 100)
  touch.move(2, 300, 100)
  expect(log.slice(1)).toEqual(['zoom 2 200,100 50,0'])
})

it('lets go of a drag when another finger comes, and when the browser takes over', () => {
  for (const end of [() => touch.down(3, 0, 0), () => touch.cancel()]) {
    touch.down(1, 10, 20)
    touch.up(1)
    touch.down(2, 10, 20)
    log.length = 0
    end()
    expect(log).toEqual(['1-'])
    touch.cancel()
  }
})

it('keeps the place under the fingers and lets no gap open', () => {
  const zoom = new Zoom()
  const stage = { width: 400, height: 300 }
  zoom.by(2, { x: 100, y: 100 }, { x: 0, y: 0 }, stage)
  expect([zoom.factor, zoom.x, zoom.y]).toEqual([2, -100, -100])
  zoom.by(1, { x: 600, y: 100 }, { x: 500, y: 0 }, stage)
  expect([zoom.x, zoom.y]).toEqual([0, -100])
  zoom.by(0.1, { x: 0, y: 0 }, { x: 0, y: 0 }, stage)
  expect(zoom.css).toBe('')
})
