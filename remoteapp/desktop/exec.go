package desktop

import (
	"fmt"
	"net/url"
	"strings"
)

// TooManyFiles says that a program takes fewer files than it was given.
type TooManyFiles struct{ Max int }

func (e TooManyFiles) Error() string {
	if e.Max == 0 {
		return "it opens no files"
	}
	return "it opens one file at a time"
}

// split cuts an Exec value into arguments: blanks separate, double quotes group,
// and within them \ stands before " ` $ and \ (section 7). Single quotes group
// too, as in GLib: real files use them.
func split(line string) ([]string, error) {
	var args []string
	var arg strings.Builder
	inside := false // an argument has begun
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == ' ' || c == '\t' || c == '\n':
			if inside {
				args = append(args, arg.String())
				arg.Reset()
				inside = false
			}
		case c == '"' || c == '\'':
			n, err := quoted(line[i:], &arg)
			if err != nil {
				return nil, err
			}
			i += n
			inside = true
		case c == '\\' && i+1 < len(line):
			i++
			arg.WriteByte(line[i])
			inside = true
		case c == 0:
			return nil, fmt.Errorf("%w: Exec has a zero byte", errFormat)
		default:
			arg.WriteByte(c)
			inside = true
		}
	}
	if inside {
		args = append(args, arg.String())
	}
	if len(args) == 0 || args[0] == "" || strings.ContainsAny(args[0], "=%") {
		return nil, fmt.Errorf("%w: Exec names no program", errFormat)
	}
	return args, nil
}

// quoted copies what stands between quotes and gives the place of the last one.
func quoted(text string, to *strings.Builder) (end int, err error) {
	quote := text[0]
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == quote:
			return i, nil
		case c == 0:
			return 0, fmt.Errorf("%w: Exec has a zero byte", errFormat)
		case c == '\\' && quote == '"' && i+1 < len(text) && strings.IndexByte("\"`$\\", text[i+1]) >= 0:
			i++
			to.WriteByte(text[i])
		default:
			to.WriteByte(c)
		}
	}
	return 0, fmt.Errorf("%w: Exec has an open quote", errFormat)
}

// Command gives the program and its arguments with the field codes expanded;
// files are absolute paths. A program that takes fewer files answers
// TooManyFiles.
func (e *Entry) Command(files []string) ([]string, error) {
	args, err := split(e.keys.String("Exec"))
	if err != nil {
		return nil, err
	}
	if most := takes(args[1:]); most >= 0 && len(files) > most {
		return nil, TooManyFiles{Max: most}
	}
	command := args[:1:1]
	for _, arg := range args[1:] {
		switch arg {
		case "%F":
			command = append(command, files...)
		case "%U":
			for _, file := range files {
				command = append(command, fileURL(file))
			}
		case "%i":
			if icon := e.Icon(); icon != "" {
				command = append(command, "--icon", icon)
			}
		case "%f", "%u":
			if len(files) == 0 {
				continue
			}
			fallthrough
		default:
			arg, err := e.expand(arg, files)
			if err != nil {
				return nil, err
			}
			command = append(command, arg)
		}
	}
	return command, nil
}

// takes gives how many files the arguments take; -1 is any number.
func takes(args []string) int {
	most := 0
	for _, arg := range args {
		if arg == "%F" || arg == "%U" {
			return -1
		}
		plain := strings.ReplaceAll(arg, "%%", "")
		if strings.Contains(plain, "%f") || strings.Contains(plain, "%u") {
			most = 1
		}
	}
	return most
}

// expand replaces the codes inside one argument. Deprecated codes give nothing.
func (e *Entry) expand(arg string, files []string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(arg); i++ {
		if arg[i] != '%' {
			b.WriteByte(arg[i])
			continue
		}
		i++
		if i == len(arg) {
			return "", fmt.Errorf("%w: Exec ends in %%", errFormat)
		}
		switch code := arg[i]; code {
		case '%':
			b.WriteByte('%')
		case 'c':
			b.WriteString(e.Name(""))
		case 'k':
			b.WriteString(e.Path)
		case 'f', 'u':
			if len(files) == 0 {
				break
			}
			if code == 'u' {
				b.WriteString(fileURL(files[0]))
			} else {
				b.WriteString(files[0])
			}
		case 'd', 'D', 'n', 'N', 'v', 'm':
		default:
			return "", fmt.Errorf("%w: Exec has %%%c", errFormat, code)
		}
	}
	return b.String(), nil
}

func fileURL(path string) string {
	return (&url.URL{Scheme: "file", Path: path}).String()
}
