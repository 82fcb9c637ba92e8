// Package process runs the programs that a node needs, and ends them: those that end with the
// node, also when it is killed (RunBound), and those that outlast it (OwnSession). What a
// program writes and says is bounded.
package process
