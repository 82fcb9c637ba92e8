// Package house holds the tests that keep the plan of the house: which way
// imports point, what a binary may link, and that every package says what it
// is for.
package house
