// Package fusion is Hither's vocabulary: what a computer, a machine, a screen,
// an app and a folder are, and the contracts that each of them keeps wherever
// it stands. It imports the standard library only and does no I/O.
//
// A Host is a computer with a node. This computer and a paired one are the same
// interface; only the delay differs. Package hosttest holds the contract as
// tests, and every implementation runs them.
//
// A Host never names itself: its methods take the short name of a machine, and
// whoever holds several hosts puts the host's name in front (see Address).
package fusion
