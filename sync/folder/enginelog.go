package folder

import (
	"io"
	"log"
	"log/slog"
	"reflect"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/syncthing/syncthing/lib/logger"
)

// engineLog is where Syncthing's words go: to the store that was opened last.
// Syncthing has one logger for the whole process.
var (
	engineLog     atomic.Pointer[slog.Logger]
	captureEngine sync.Once
)

// captureEngineLog sends what Syncthing would print on standard output to log:
// warnings as warnings, the rest as debug lines.
func captureEngineLog(log *slog.Logger) {
	engineLog.Store(log)
	captureEngine.Do(func() {
		silence(logger.DefaultLogger)
		logger.DefaultLogger.AddHandler(logger.LevelVerbose, func(level logger.LogLevel, text string) {
			to := engineLog.Load()
			if level == logger.LevelWarn {
				to.Warn("syncthing: " + text)
				return
			}
			to.Debug("syncthing: " + text)
		})
	})
}

// silence stops Syncthing's logger from printing. It has no method for that,
// and the environment variable that does it is read before any of our code
// runs; so its inner log.Logger is reached through its field, if that is still
// what it was.
func silence(l logger.Logger) bool {
	v := reflect.ValueOf(l)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return false
	}
	field := v.Elem().FieldByName("logger")
	if !field.IsValid() || field.Type() != reflect.TypeFor[*log.Logger]() {
		return false
	}
	(*(**log.Logger)(unsafe.Pointer(field.UnsafeAddr()))).SetOutput(io.Discard)
	return true
}
