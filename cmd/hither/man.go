package main

import (
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"hither/app"
)

// manCommand writes the manual's pages, for packages. SOURCE_DATE_EPOCH is their date
// (reproducible-builds.org/specs/source-date-epoch).
func manCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "man DIR", Short: "Write the manual's pages into a directory", Args: exactly("DIR"), Hidden: true,
		RunE: func(_ *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			root.DisableAutoGenTag = true
			return doc.GenManTree(root, &doc.GenManHeader{Title: "HITHER", Section: "1", Source: "Hither " + app.Version, Manual: "Hither"}, args[0])
		},
	}
}
