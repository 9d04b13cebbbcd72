#!/usr/bin/env bash
# What: aws-sdk-go-v2 service/dynamodb 1.74.0 (core 1.48.0).
# Seen: an item whose map holds a nil types.AttributeValue leaves as text that is not JSON, {"Item":{"n":}"Users"}: the value is
#       missing, and the name of the next member too. No error comes of the client; the caller learns of it by the server's word
#       on malformed requests. An AttributeValueMemberB whose bytes are nil leaves as {"B":null}, an empty one as {"B":""}.
# Guess that misses: that an SDK's serializer, given anything its types take, writes JSON, or says why not.
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
)
GO
cat > main.go <<'GO'
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func main() {
	var sent []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, _ = io.ReadAll(r.Body)
		fmt.Fprint(w, "{}")
	}))
	defer server.Close()
	client := dynamodb.New(dynamodb.Options{
		Region:       "eu-west-1",
		BaseEndpoint: aws.String(server.URL),
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	for _, value := range []types.AttributeValue{
		nil,
		&types.AttributeValueMemberB{},
		&types.AttributeValueMemberB{Value: []byte{}},
	} {
		item := map[string]types.AttributeValue{"n": value}
		_, err := client.PutItem(context.Background(), &dynamodb.PutItemInput{TableName: aws.String("Users"), Item: item})
		fmt.Printf("%s | JSON: %t | error: %t\n", sent, json.Valid(sent), err != nil)
	}
}
GO
go mod tidy >/dev/null 2>&1
seen=$(go run .)
echo "$seen"
expected='{"Item":{"n":}"Users"} | JSON: false | error: false
{"Item":{"n":{"B":null}},"TableName":"Users"} | JSON: true | error: false
{"Item":{"n":{"B":""}},"TableName":"Users"} | JSON: true | error: false'
if [ "$seen" != "$expected" ]; then
  echo "this is no longer what was seen; it was:"
  echo "$expected"
  exit 1
fi
echo "as it was seen"
