#!/usr/bin/env bash
# What: github.com/guregu/dynamo/v2 2.1.1 over aws-sdk-go-v2 service/dynamodb 1.74.0.
# Seen: Get(…).Filter(…) sends the legacy KeyConditions together with FilterExpression, Get(…).Project(…) with
#       ProjectionExpression: both generations of parameters in one Query.
# Guess that misses: that a library of version 2 sends expressions only, or that nobody mixes the two, since DynamoDB's guide says
#       that they do not go together. DynamoDB takes this mix; an engine that refuses every mix breaks these programs.
# Needs: Go 1.24 or newer. It listens on loopback and stops by itself.
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
cat > go.mod <<'GO'
module look

go 1.24

require (
	github.com/aws/aws-sdk-go-v2 v1.48.0
	github.com/aws/aws-sdk-go-v2/credentials v1.21.0
	github.com/aws/aws-sdk-go-v2/service/dynamodb v1.74.0
	github.com/guregu/dynamo/v2 v2.1.1
)
GO
cat > main.go <<'GO'
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"

	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/guregu/dynamo/v2"
)

func main() {
	sent := map[string]any{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		clear(sent)
		_ = json.NewDecoder(r.Body).Decode(&sent)
		fmt.Fprint(w, `{"Items":[],"Count":0,"ScannedCount":0}`)
	}))
	defer server.Close()
	table := dynamo.New(aws.Config{
		Region:       "eu-west-1",
		BaseEndpoint: aws.String(server.URL),
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
	}).Table("Users")

	var rows []map[string]any
	for _, query := range []*dynamo.Query{
		table.Get("id", "1").Filter("'age' > ?", 3),
		table.Get("id", "1").Project("age"),
	} {
		if err := query.All(context.Background(), &rows); err != nil {
			fmt.Println(err)
		}
		members := slices.Sorted(maps.Keys(sent))
		fmt.Println(strings.Join(slices.DeleteFunc(members, func(name string) bool {
			return !strings.HasSuffix(name, "Conditions") && !strings.HasSuffix(name, "Expression")
		}), " "))
	}
}
GO
go mod tidy >/dev/null 2>&1
seen=$(go run .)
echo "$seen"
expected='FilterExpression KeyConditions
KeyConditions ProjectionExpression'
if [ "$seen" != "$expected" ]; then
  echo "this is no longer what was seen; it was:"
  echo "$expected"
  exit 1
fi
echo "as it was seen"
