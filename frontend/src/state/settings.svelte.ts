import { i18n, type Language } from '../i18n/i18n.svelte'

export type Theme = 'system' | 'light' | 'dark'

/** How keys go to a screen: by their place on the keyboard, or as what they type here. */
export type Keyboard = 'physical' | 'text'

/** What a person chose for this browser; kept in its local storage. */
export class Settings {
  private readonly system = window.matchMedia?.('(prefers-color-scheme: dark)')
  dark = $state(false)
  theme = $state<Theme>(read('hither-theme', ['system', 'light', 'dark'], 'system'))
  inspector = $state(read('hither-inspector', ['on', 'off'], 'on') === 'on')

  /** Terminals keep their text for a screen reader. */
  reader = $state(read('hither-terminal-reader', ['on', 'off'], 'off') === 'on')

  keyboard = $state<Keyboard>(read('hither-keyboard', ['physical', 'text'], 'physical'))

  constructor() {
    const kept = read<Language | ''>('hither-language', ['en', 'zh', ''], '')
    if (kept) i18n.set(kept)
    this.system?.addEventListener('change', () => this.paint())
    this.paint()
  }

  setTheme(theme: Theme): void {
    this.theme = theme
    write('hither-theme', theme)
    this.paint()
  }

  setLanguage(language: Language): void {
    i18n.set(language)
    write('hither-language', language)
  }

  setInspector(open: boolean): void {
    this.inspector = open
    write('hither-inspector', open ? 'on' : 'off')
  }

  setReader(on: boolean): void {
    this.reader = on
    write('hither-terminal-reader', on ? 'on' : 'off')
  }

  setKeyboard(keyboard: Keyboard): void {
    this.keyboard = keyboard
    write('hither-keyboard', keyboard)
  }

  /** The release key is explained once per browser. True the first time. */
  firstView(): boolean {
    const seen = read('hither-release-key', ['seen', ''], '') === 'seen'
    write('hither-release-key', 'seen')
    return !seen
  }

  private paint(): void {
    this.dark = this.theme === 'dark' || (this.theme === 'system' && (this.system?.matches ?? false))
    document.documentElement.dataset.theme = this.dark ? 'dark' : 'light'
  }
}

function read<T extends string>(key: string, allowed: readonly T[], otherwise: T): T {
  const value = localStorage.getItem(key) as T | null
  return value !== null && allowed.includes(value) ? value : otherwise
}

function write(key: string, value: string): void {
  try {
    localStorage.setItem(key, value)
  } catch {
    // private windows refuse: the choice lasts as long as the page
  }
}
