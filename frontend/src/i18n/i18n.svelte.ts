import { en } from './en'
import { zh } from './zh'

export type Key = keyof typeof en
export type Language = 'en' | 'zh'
export type Params = Record<string, string | number>
/** Words to be said later, in whatever language is chosen then. */
export type Text = { key: Key; params?: Params }

export const catalogues: Record<Language, Record<Key, string>> = { en, zh }

function preferred(): Language {
  return navigator.languages?.some((l) => l.startsWith('zh')) && !navigator.language.startsWith('en') ? 'zh' : 'en'
}

class I18n {
  language = $state<Language>(preferred())

  /** A BCP 47 tag that Intl takes. */
  get tag(): string {
    return this.language === 'zh' ? 'zh-CN' : 'en'
  }

  set(language: Language): void {
    this.language = language
    document.documentElement.lang = this.tag
  }

  /**
   * The words of a key. {name} is replaced by a parameter; a text with " | " has
   * a form for one and a form for more, chosen by the parameter n.
   */
  t = (key: Key, params: Params = {}): string => {
    const forms = catalogues[this.language][key].split(' | ')
    const form = forms.length > 1 && params.n !== 1 ? forms[1]! : forms[0]!
    return form.replace(/\{(\w+)\}/g, (all, name: string) => this.write(params[name] ?? all))
  }

  /** By tag: making one takes a tenth of what a card takes. */
  private readonly numbers = new Map<string, Intl.NumberFormat>()

  private write(value: string | number): string {
    if (typeof value !== 'number') return value
    let format = this.numbers.get(this.tag)
    if (!format) this.numbers.set(this.tag, (format = new Intl.NumberFormat(this.tag)))
    return format.format(value)
  }

  say(text: Text): string {
    return this.t(text.key, text.params)
  }
}

export const i18n = new I18n()
document.documentElement.lang = i18n.tag
export const t = i18n.t
