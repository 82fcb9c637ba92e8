package folder

import (
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/syncthing/syncthing/lib/logger"

	"hither/sync/folder/early"
)

func init() { early.Undo() }

// Syncthing has one logger for the whole process. Its words go to the store
// that was opened last.
var (
	engineLog     atomic.Pointer[slog.Logger]
	captureEngine sync.Once
)

// captureEngineLog sends what Syncthing says to log: warnings as warnings, the
// rest as debug lines. See package early for why it prints nothing itself.
func captureEngineLog(log *slog.Logger) {
	engineLog.Store(log)
	captureEngine.Do(func() {
		logger.DefaultLogger.AddHandler(logger.LevelVerbose, func(level logger.LogLevel, text string) {
			if level == logger.LevelWarn {
				engineLog.Load().Warn("syncthing: " + text)
				return
			}
			engineLog.Load().Debug("syncthing: " + text)
		})
	})
}
