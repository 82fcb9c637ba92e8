// KeyboardEvent.code (a physical key, W3C UI Events code values) to the Linux
// evdev KEY_* of docs/wire.md (input-event-codes.h).

const rows: Record<string, number> = {
  Escape: 1, Minus: 12, Equal: 13, Backspace: 14, Tab: 15, BracketLeft: 26, BracketRight: 27, Enter: 28,
  ControlLeft: 29, Semicolon: 39, Quote: 40, Backquote: 41, ShiftLeft: 42, Backslash: 43, Comma: 51,
  Period: 52, Slash: 53, ShiftRight: 54, NumpadMultiply: 55, AltLeft: 56, Space: 57, CapsLock: 58,
  NumLock: 69, ScrollLock: 70, NumpadSubtract: 74, NumpadAdd: 78, NumpadDecimal: 83, IntlBackslash: 86,
  F11: 87, F12: 88, IntlRo: 89, Convert: 92, KanaMode: 93, NonConvert: 94, NumpadEnter: 96,
  ControlRight: 97, NumpadDivide: 98, PrintScreen: 99, AltRight: 100, Home: 102, ArrowUp: 103, PageUp: 104,
  ArrowLeft: 105, ArrowRight: 106, End: 107, ArrowDown: 108, PageDown: 109, Insert: 110, Delete: 111,
  AudioVolumeMute: 113, VolumeMute: 113, AudioVolumeDown: 114, VolumeDown: 114, AudioVolumeUp: 115,
  VolumeUp: 115, Power: 116, NumpadEqual: 117, Pause: 119, NumpadComma: 121, Lang1: 122, Lang2: 123,
  IntlYen: 124, MetaLeft: 125, OSLeft: 125, MetaRight: 126, OSRight: 126, ContextMenu: 127,
  BrowserStop: 128, Again: 129, Props: 130, Undo: 131, Copy: 133, Open: 134, Paste: 135, Find: 136,
  Cut: 137, Help: 138, LaunchApp2: 140, Sleep: 142, WakeUp: 143, LaunchApp1: 144, LaunchMail: 155,
  BrowserFavorites: 156, BrowserBack: 158, BrowserForward: 159, Eject: 161, MediaTrackNext: 163,
  MediaPlayPause: 164, MediaTrackPrevious: 165, MediaStop: 166, BrowserHome: 172, BrowserRefresh: 173,
  NumpadParenLeft: 179, NumpadParenRight: 180, BrowserSearch: 217, MediaSelect: 226, Lang3: 90, Lang4: 91,
  Lang5: 85,
}

const letters: Array<[first: number, keys: string]> = [
  [16, 'QWERTYUIOP'],
  [30, 'ASDFGHJKL'],
  [44, 'ZXCVBNM'],
]

function table(): ReadonlyMap<string, number> {
  const map = new Map(Object.entries(rows))
  for (const [first, keys] of letters) [...keys].forEach((key, i) => map.set('Key' + key, first + i))
  for (let i = 1; i <= 9; i++) map.set('Digit' + i, i + 1)
  map.set('Digit0', 11)
  for (let i = 1; i <= 10; i++) map.set('F' + i, 58 + i)
  for (let i = 13; i <= 24; i++) map.set('F' + i, 170 + i)
  ;[82, 79, 80, 81, 75, 76, 77, 71, 72, 73].forEach((code, i) => map.set('Numpad' + i, code))
  return map
}

/** Every key of KeyboardEvent.code that evdev knows. */
export const keymap = table()

/** The evdev code of a physical key, undefined when it has none. */
export function evdev(code: string): number | undefined {
  return keymap.get(code)
}
