// Package webm writes WebM files that are playable at every moment: one video
// track of VP9 and, if there is sound, one audio track of Opus. What was
// written is never needed to be written again, so a file whose writer was
// killed plays up to its last whole block; Close adds what players seek by.
//
// A file is the EBML header, a segment with room for its table of contents, the
// length and the tracks, with room for a track of sound that comes later, then
// clusters. Each block goes to the file in one
// write. A cluster begins with each key frame of the video. The length is
// written over in place as the recording grows, the sizes of the segment and of
// its clusters when they end. Cues, one for each key frame, come last.
//
// A Writer is not safe for use from several goroutines and runs none. It trusts
// its caller's frames. EBML itself is encoded by github.com/at-wat/ebml-go.
//
// Sources: RFC 8794 (EBML), RFC 9559 (Matroska), the WebM container guidelines
// and RFC 7845 section 5.1 (the identification header of Opus).
package webm
