import type { ITheme } from '@xterm/xterm'

const ANSI = [
  'black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white',
  'brightBlack', 'brightRed', 'brightGreen', 'brightYellow', 'brightBlue', 'brightMagenta', 'brightCyan', 'brightWhite',
] as const

/** The colours of the terminal, from the tokens of the page's theme. */
export function terminalTheme(): ITheme {
  const style = getComputedStyle(document.documentElement)
  const token = (name: string) => style.getPropertyValue(`--${name}`).trim()
  const theme: ITheme = {
    background: token('term-bg'),
    foreground: token('text-1'),
    cursor: token('text-1'),
    cursorAccent: token('term-bg'),
    selectionBackground: token('term-selection'),
  }
  ANSI.forEach((name, n) => (theme[name] = token(`term-${n}`)))
  return theme
}
