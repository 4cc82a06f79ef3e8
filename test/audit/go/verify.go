// verify checks a Bulkhead audit log with nothing of Bulkhead's: golang.org/x/mod/sumdb/note opens the signed
// checkpoint, golang.org/x/mod/sumdb/tlog hashes entries and tiles.
//
//	verify -log DIR -key audit.pub [-noted CHECKPOINT]... [-receipt FILE]...
//
// It reads every file of the log. It prints the number of entries and the root, or what is wrong, and then exits with 1.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const tileHeight = 8
const tileWidth = 1 << tileHeight

type checkpoint struct {
	origin string
	tree   tlog.Tree
}

// names collects the values of a flag that is given several times.
type names []string

func (n *names) String() string     { return strings.Join(*n, " ") }
func (n *names) Set(v string) error { *n = append(*n, v); return nil }

func main() {
	var noted, receipts names
	dir := flag.String("log", "", "directory of the log")
	keyFile := flag.String("key", "", "file with the log's public keys, one a line")
	flag.Var(&noted, "noted", "a checkpoint noted elsewhere that the log must continue")
	flag.Var(&receipts, "receipt", "a receipt that the log must confirm")
	flag.Parse()
	if err := run(*dir, *keyFile, noted, receipts); err != nil {
		fmt.Fprintln(os.Stderr, "verify:", err)
		os.Exit(1)
	}
}

func run(dir, keyFile string, noted, receipts []string) error {
	verifiers, err := readKeys(keyFile)
	if err != nil {
		return err
	}
	for _, path := range receipts {
		if err := checkReceipt(path, verifiers); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	if dir == "" {
		return nil
	}
	signed, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		return err
	}
	newest, err := openCheckpoint(signed, verifiers, true)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	hashes, err := hashEntries(dir, newest.tree.N)
	if err != nil {
		return err
	}
	root := tlog.Hash(sha256.Sum256(nil)) // of the empty tree, which package tlog does not define
	if newest.tree.N > 0 {
		if root, err = tlog.TreeHash(newest.tree.N, hashes); err != nil {
			return err
		}
	}
	if root != newest.tree.Hash {
		return fmt.Errorf("the entries give the root %v, the checkpoint has %v", root, newest.tree.Hash)
	}
	if err := checkTiles(dir, newest.tree.N, hashes); err != nil {
		return err
	}
	for _, path := range noted {
		if err := checkNoted(path, newest, verifiers, hashes); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	fmt.Printf("%d entries of %s verify; root %v\n", newest.tree.N, newest.origin, newest.tree.Hash)
	return nil
}

func readKeys(path string) (note.Verifiers, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var list []note.Verifier
	for _, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		verifier, err := note.NewVerifier(line)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		list = append(list, verifier)
	}
	return note.VerifierList(list...), nil
}

// openCheckpoint checks the signature and takes the text apart. alone: no other signatures may be there.
func openCheckpoint(signed []byte, verifiers note.Verifiers, alone bool) (checkpoint, error) {
	opened, err := note.Open(signed, verifiers)
	if err != nil {
		return checkpoint{}, err
	}
	if alone && len(opened.UnverifiedSigs) > 0 {
		return checkpoint{}, fmt.Errorf("it has a signature of an unknown key")
	}
	// Package note takes spellings of base64 that are not the canonical one.
	for _, line := range strings.Split(strings.TrimSuffix(string(signed[len(opened.Text)+1:]), "\n"), "\n") {
		fields := strings.Split(line, " ")
		if len(fields) != 3 {
			return checkpoint{}, fmt.Errorf("a signature line is malformed")
		}
		if _, err := base64.StdEncoding.Strict().DecodeString(fields[2]); err != nil {
			return checkpoint{}, err
		}
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return checkpoint{}, fmt.Errorf("it has not three lines")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return checkpoint{}, fmt.Errorf("it has a bad size")
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil || root.String() != lines[2] {
		return checkpoint{}, fmt.Errorf("it has a bad root")
	}
	if opened.Sigs[0].Name != lines[0] {
		return checkpoint{}, fmt.Errorf("it is of another log")
	}
	return checkpoint{lines[0], tlog.Tree{N: size, Hash: root}}, nil
}

// storage holds every hash that package tlog stores for a tree.
type storage []tlog.Hash

func (s storage) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		if at < 0 || at >= int64(len(s)) {
			return nil, fmt.Errorf("hash %d is outside the tree", at)
		}
		found[i] = s[at]
	}
	return found, nil
}

func hashEntries(dir string, size int64) (storage, error) {
	hashes := make(storage, 0, 2*size)
	for bundle := int64(0); bundle*tileWidth < size; bundle++ {
		width := size - bundle*tileWidth
		if width > tileWidth {
			width = tileWidth
		}
		name := bundlePath(bundle, int(width))
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		for i := int64(0); i < width; i++ {
			if len(data) < 2 || len(data)-2 < int(binary.BigEndian.Uint16(data)) {
				return nil, fmt.Errorf("%s is cut at entry %d", name, bundle*tileWidth+i)
			}
			end := 2 + int(binary.BigEndian.Uint16(data))
			stored, err := tlog.StoredHashes(bundle*tileWidth+i, data[2:end], hashes)
			if err != nil {
				return nil, err
			}
			hashes = append(hashes, stored...)
			data = data[end:]
		}
		if len(data) > 0 {
			return nil, fmt.Errorf("%s goes on behind its entries", name)
		}
	}
	return hashes, nil
}

func bundlePath(index int64, width int) string {
	// Package tlog writes tile/8/data/N; tlog-tiles writes tile/entries/N.
	path := tlog.Tile{H: tileHeight, L: -1, N: index, W: width}.Path()
	return strings.Replace(path, "tile/8/data/", "tile/entries/", 1)
}

func tilePath(tile tlog.Tile) string { return strings.Replace(tile.Path(), "tile/8/", "tile/", 1) }

// tilesOf lists the tiles of a tree: the full ones of each level, and the last one where it is not full.
func tilesOf(size int64) []tlog.Tile {
	var tiles []tlog.Tile
	for level, hashes := 0, size; hashes > 0; level, hashes = level+1, hashes/tileWidth {
		for index := int64(0); index*tileWidth < hashes; index++ {
			width := hashes - index*tileWidth
			if width > tileWidth {
				width = tileWidth
			}
			tiles = append(tiles, tlog.Tile{H: tileHeight, L: level, N: index, W: int(width)})
		}
	}
	return tiles
}

var partial = regexp.MustCompile(`^(.*)\.p/([1-9][0-9]{0,2})$`)

// checkTiles compares every hash tile of the tree with what the entries give, and every older partial file that is
// still there with the beginning of what took its place.
func checkTiles(dir string, size int64, hashes storage) error {
	wanted := map[string]bool{}
	for _, tile := range tilesOf(size) {
		wanted[tilePath(tile)] = true
		data, err := tlog.ReadTileData(tile, hashes)
		if err != nil {
			return err
		}
		stored, err := os.ReadFile(filepath.Join(dir, tilePath(tile)))
		if err != nil {
			return err
		}
		if !bytes.Equal(data, stored) {
			return fmt.Errorf("%s is not what the entries give", tilePath(tile))
		}
	}
	return filepath.WalkDir(filepath.Join(dir, "tile"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			if os.IsNotExist(err) && size == 0 {
				return nil
			}
			return err
		}
		name, err := filepath.Rel(dir, path)
		match := partial.FindStringSubmatch(name)
		if err != nil || wanted[name] || match == nil {
			return err
		}
		return checkOlder(dir, name, match[1], match[2], size)
	})
}

// checkOlder takes a partial file for a smaller tree. Files for a larger tree are no part of the log.
func checkOlder(dir, name, full, widthText string, size int64) error {
	width, _ := strconv.ParseInt(widthText, 10, 64)
	if _, err := os.Stat(filepath.Join(dir, full)); err == nil {
		return nil
	}
	now := int64(0)
	for level, at := 0, size; level < 8; level, at = level+1, at/tileWidth {
		if strings.HasPrefix(full, fmt.Sprintf("tile/%d/", level)) || (level == 0 && strings.HasPrefix(full, "tile/entries/")) {
			now = at % tileWidth
		}
	}
	if width >= now {
		return nil
	}
	older, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	newer, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("%s.p/%d", full, now)))
	if err != nil {
		return nil // of another tile than the last: no part of the log
	}
	length := width * tlog.HashSize
	if strings.HasPrefix(full, "tile/entries/") {
		length = 0
		for i := int64(0); i < width; i++ {
			length += 2 + int64(binary.BigEndian.Uint16(newer[length:]))
		}
	}
	if !bytes.Equal(older, newer[:length]) {
		return fmt.Errorf("%s is not the beginning of %s.p/%d", name, full, now)
	}
	return nil
}

func checkNoted(path string, newest checkpoint, verifiers note.Verifiers, hashes storage) error {
	signed, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	older, err := openCheckpoint(signed, verifiers, false)
	if err != nil {
		return err
	}
	if older.tree.N > newest.tree.N {
		return fmt.Errorf("it has %d entries, the log has %d", older.tree.N, newest.tree.N)
	}
	if older.tree.N == 0 {
		return nil
	}
	proof, err := tlog.ProveTree(newest.tree.N, older.tree.N, hashes)
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, newest.tree.N, newest.tree.Hash, older.tree.N, older.tree.Hash)
}

// checkReceipt: a first line, the entry, an empty line, then C2SP's tlog-proof.
func checkReceipt(path string, verifiers note.Verifiers) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	parts := strings.SplitN(string(text), "\n\n", 3)
	head := strings.Split(parts[0], "\n")
	if len(parts) != 3 || len(head) != 2 || head[0] != "bulkhead-audit-receipt/v1" {
		return fmt.Errorf("not a receipt")
	}
	proofLines := strings.Split(parts[1], "\n")
	if len(proofLines) < 2 || proofLines[0] != "c2sp.org/tlog-proof@v1" || !strings.HasPrefix(proofLines[1], "index ") {
		return fmt.Errorf("no proof")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(proofLines[1], "index "), 10, 64)
	if err != nil || fmt.Sprintf("index %d", index) != proofLines[1] {
		return fmt.Errorf("bad index")
	}
	var proof tlog.RecordProof
	for _, line := range proofLines[2:] {
		hash, err := tlog.ParseHash(line)
		if err != nil || hash.String() != line {
			return fmt.Errorf("bad hash")
		}
		proof = append(proof, hash)
	}
	signed, err := openCheckpoint([]byte(parts[2]), verifiers, false)
	if err != nil {
		return err
	}
	leaf := tlog.RecordHash([]byte(head[1]))
	return tlog.CheckRecord(proof, signed.tree.N, signed.tree.Hash, index, leaf)
}
