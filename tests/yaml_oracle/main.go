// The oracle of lib/bundle: what Kubernetes takes a YAML text for. It reads a JSON array of texts, one document each,
// and writes a JSON array of what sigs.k8s.io/yaml makes of them.
package main

import (
	"encoding/json"
	"log"
	"os"
	"strings"

	"sigs.k8s.io/yaml"
)

type answer struct {
	// What the document is as JSON, as kubectl sends it; absent where it can't be read.
	JSON string `json:"json,omitempty"`
	// Why it can't be read.
	Fault string `json:"fault,omitempty"`
}

func main() {
	var texts []string
	if err := json.NewDecoder(os.Stdin).Decode(&texts); err != nil {
		log.Fatal(err)
	}
	answers := make([]answer, len(texts))
	for at, text := range texts {
		answers[at] = read(text)
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		log.Fatal(err)
	}
}

// read converts one document. kubectl gives every line of a file the same end, the last one too.
func read(text string) answer {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	converted, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		return answer{Fault: err.Error()}
	}
	return answer{JSON: string(converted)}
}
