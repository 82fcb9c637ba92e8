package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"hither/fusion"
)

func folderCommand(g *globals) *cobra.Command {
	return group("folder", "Directories kept equal on several hosts",
		folderAdd(g), folderShare(g), folderLs(g), folderStatus(g), folderRm(g))
}

// folders joins the node and gives this computer's folders.
func (g *globals) folders(cmd *cobra.Command) (fusion.Folders, error) {
	c, err := g.join(cmd.Context())
	if err != nil {
		return nil, err
	}
	return c.Host("").Folders(), nil
}

func folderAdd(g *globals) *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use: "add PATH", Short: "Begin to keep a directory, which is made if missing", Args: exactly("PATH"),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := filepath.Abs(args[0])
			if err != nil {
				return err
			}
			if name == "" {
				name = filepath.Base(path)
			}
			if err := fusion.CheckName(name); err != nil {
				return usage(err)
			}
			folders, err := g.folders(cmd)
			if err != nil {
				return err
			}
			f, err := folders.Add(cmd.Context(), name, path)
			if err != nil {
				return err
			}
			return g.showFolder(cmd, f)
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "the folder's `NAME` on all hosts (default: the directory's own)")
	return cmd
}

func folderShare(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "share NAME HOST", Short: "Keep a folder on another host too", Args: exactly("NAME", "HOST"),
		RunE: func(cmd *cobra.Command, args []string) error {
			folders, err := g.folders(cmd)
			if err != nil {
				return err
			}
			return folders.Share(cmd.Context(), args[0], fusion.HostID(args[1]))
		},
	}
}

func folderLs(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "ls", Short: "List this computer's folders", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			folders, err := g.folders(cmd)
			if err != nil {
				return err
			}
			list, err := folders.List(cmd.Context())
			if err != nil {
				return err
			}
			return g.show(cmd, list, func(w io.Writer) error {
				t := newTable("FOLDER", "STATE", "HERE", "WITH", "PATH")
				for _, f := range list {
					t.add(f.Name, f.State, progress(f), strings.Join(f.Hosts, " "), f.Path)
				}
				return t.write(w)
			})
		},
	}
}

// progress says how much of a folder is on this computer.
func progress(f fusion.Folder) string {
	if f.NeedBytes == 0 {
		return bytesText(f.GlobalBytes)
	}
	return fmt.Sprintf("%s of %s", bytesText(f.GlobalBytes-f.NeedBytes), bytesText(f.GlobalBytes))
}

func folderStatus(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "status NAME", Short: "Show one folder and how far it is", Args: exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			folders, err := g.folders(cmd)
			if err != nil {
				return err
			}
			f, err := folders.Get(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return g.showFolder(cmd, f)
		},
	}
}

func (g *globals) showFolder(cmd *cobra.Command, f fusion.Folder) error {
	return g.show(cmd, f, func(w io.Writer) error {
		return fields(w, "name", f.Name, "path", f.Path, "state", f.State, "here", progress(f),
			"files", fmt.Sprintf("%d of %d", f.GlobalFiles-f.NeedFiles, f.GlobalFiles),
			"with", strings.Join(f.Hosts, " "), "note", f.Note)
	})
}

func folderRm(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "rm NAME", Short: "Stop keeping a folder; its files stay", Args: exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			folders, err := g.folders(cmd)
			if err != nil {
				return err
			}
			return folders.Remove(cmd.Context(), args[0])
		},
	}
}
