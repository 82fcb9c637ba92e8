// Package largepage has large pieces of memory come in few page faults.
//
// A page that is touched for the first time costs a fault: 2 µs where a computer runs
// its own kernel, and 10 to 20 in a virtual machine whose page tables are kept by its
// host, so that a picture of 1080p, 2,025 pages, takes 4 to 40 ms before anything is
// drawn. Transparent huge pages bring 512 of them in one fault, and a range that is
// populated at once costs a tenth of its faults. What a kernel lacks of either is left
// out: memory then comes as it always did.
package largepage

// size is that of a huge page of amd64 and arm64 with base pages of 4 KiB.
const size = 2 << 20
