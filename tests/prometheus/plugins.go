// Package plugins takes the place of Prometheus' own file of this name when `deno task setup` builds it: of all ways to
// discover targets only Kubernetes', beside files and HTTP. The cloud vendors' would double the time to build.
package plugins

import _ "github.com/prometheus/prometheus/discovery/kubernetes"
