package desktop

import "strings"

// likely gives the region of tags whose desktop files name one: translations
// into Chinese are kept under zh_CN and zh_TW, never under zh.
var likely = map[string]string{"zh": "CN", "zh-hans": "CN", "zh-hant": "TW"}

// modifiers gives the POSIX modifier of an ISO 15924 script or a variant.
var modifiers = map[string]string{
	"latn": "latin", "cyrl": "cyrillic", "deva": "devanagari", "arab": "arabic",
	"valencia": "valencia",
}

// Locales gives the locales of desktop entries that fit a BCP 47 tag, best
// first: lang_COUNTRY@MODIFIER, lang_COUNTRY, lang@MODIFIER, lang (section 5).
func Locales(tag string) []string {
	parts := strings.FieldsFunc(tag, func(r rune) bool { return r == '-' || r == '_' })
	if len(parts) == 0 || len(parts) > 8 {
		return nil
	}
	lang := strings.ToLower(parts[0])
	var country, modifier, script string
	for _, part := range parts[1:] {
		part = strings.ToLower(part)
		if len(part) == 1 {
			break // extensions and private use follow
		}
		switch {
		case len(part) == 4 && part[0] > '9':
			script, modifier = part, modifiers[part]
		case country == "" && (len(part) == 2 || len(part) == 3 && part[0] <= '9'):
			country = strings.ToUpper(part)
		case modifiers[part] != "":
			modifier = modifiers[part]
		}
	}
	if country == "" {
		key := lang
		if script != "" {
			key += "-" + script
		}
		country = likely[key]
	}
	var all []string
	if country != "" && modifier != "" {
		all = append(all, lang+"_"+country+"@"+modifier)
	}
	if country != "" {
		all = append(all, lang+"_"+country)
	}
	if modifier != "" {
		all = append(all, lang+"@"+modifier)
	}
	return append(all, lang)
}
