package tray

import (
	"fmt"
	"strings"
	"time"
)

// Words are the tray's texts in one language. Each is filled; a test says so.
type Words struct {
	AllFine, Working, NeedsYou, NodeAway, StartNode string
	OpenLibrary, PairComputer, Quit                 string
	Desktop, NothingRuns, BringBack, EndApp         string
	ThisComputer, Offline, Paused                   string // with %s
	Sees, Controls, Asks                            string // with %s
	EndVisit                                        string

	PairTitle, PairWarning                  string
	YourCode, CodeHelp, CodeLeft, CodeGone  string // CodeLeft has %s
	NewCode, TheirCode, TheirCodeHelp, Join string
	Joining, Paired                         string // Paired has %s twice: name, fingerprint
	Failed                                  string
}

var english = Words{
	AllFine: "Everything is fine", Working: "Working…", NeedsYou: "Something needs you", NodeAway: "Hither is not running",
	StartNode: "Start Hither", OpenLibrary: "Open library", PairComputer: "Pair a computer…", Quit: "Quit",
	Desktop: "Desktop", NothingRuns: "Nothing is running", BringBack: "Bring back", EndApp: "End",
	ThisComputer: "%s (this computer)", Offline: "%s (offline)", Paused: "%s (paused)",
	Sees: "%s sees this computer", Controls: "%s controls this computer", Asks: "%s asks for permission…", EndVisit: "End it",
	PairTitle:   "Pair a computer",
	PairWarning: "Pair your own computers only: each can then do on the other everything you can.",
	YourCode:    "Code of this computer", CodeHelp: "Type it on the other computer.", CodeLeft: "Valid for %s",
	CodeGone: "The code is no longer valid.", NewCode: "New code",
	TheirCode: "Code of the other computer", TheirCodeHelp: "4711-apple-river-stone", Join: "Pair",
	Joining: "Looking for the other computer…", Paired: "Paired with %s. Both computers show its key as %s.",
	Failed: "That did not work.",
}

var chinese = Words{
	AllFine: "一切正常", Working: "正在处理…", NeedsYou: "有事需要你处理", NodeAway: "Hither 没有运行",
	StartNode: "启动 Hither", OpenLibrary: "打开资源库", PairComputer: "配对一台电脑…", Quit: "退出",
	Desktop: "桌面", NothingRuns: "没有正在运行的内容", BringBack: "重新显示", EndApp: "结束",
	ThisComputer: "%s（本机）", Offline: "%s（离线）", Paused: "%s（已暂停）",
	Sees: "%s 正在查看本机", Controls: "%s 正在控制本机", Asks: "%s 请求权限…", EndVisit: "结束",
	PairTitle:   "配对一台电脑",
	PairWarning: "只配对你自己的电脑：配对后，双方都能在对方上做你能做的一切。",
	YourCode:    "本机的配对码", CodeHelp: "请在另一台电脑上输入它。", CodeLeft: "有效时间还剩 %s",
	CodeGone: "配对码已失效。", NewCode: "换一个配对码",
	TheirCode: "另一台电脑的配对码", TheirCodeHelp: "4711-apple-river-stone", Join: "配对",
	Joining: "正在寻找另一台电脑…", Paired: "已与 %s 配对。两台电脑上显示的密钥指纹都是 %s。",
	Failed: "没有成功。",
}

// WordsFor gives the texts for a BCP 47 tag or a POSIX locale: Simplified
// Chinese, else English.
func WordsFor(tag string) Words {
	tag = strings.ToLower(strings.ReplaceAll(tag, "_", "-"))
	traditional := strings.Contains(tag, "hant") || strings.HasPrefix(tag, "zh-tw") || strings.HasPrefix(tag, "zh-hk")
	if (tag == "zh" || strings.HasPrefix(tag, "zh-")) && !traditional {
		return chinese
	}
	return english
}

func (w Words) thisComputer(name string) string { return fmt.Sprintf(w.ThisComputer, name) }
func (w Words) offline(name string) string      { return fmt.Sprintf(w.Offline, name) }
func (w Words) sees(name string) string         { return fmt.Sprintf(w.Sees, name) }
func (w Words) controls(name string) string     { return fmt.Sprintf(w.Controls, name) }
func (w Words) asks(name string) string         { return fmt.Sprintf(w.Asks, name) }
func (w Words) paused(name string) string       { return fmt.Sprintf(w.Paused, name) }

// left says how long a code is valid, as minutes and seconds.
func (w Words) left(d time.Duration) string {
	s := max(0, int(d.Round(time.Second)/time.Second))
	return fmt.Sprintf(w.CodeLeft, fmt.Sprintf("%d:%02d", s/60, s%60))
}
