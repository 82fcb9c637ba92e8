package capture

// desktopOp is what errors of Desktop say.
const desktopOp = "screen.desktop"
