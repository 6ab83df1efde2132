import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

/** Posts a body to each address, twice, with Java's own client as it comes, and prints each status and body. */
public class PostWithDefaults {
    public static void main(String[] arguments) throws Exception {
        HttpClient client = HttpClient.newHttpClient();
        for (int number = 2; number + 1 < arguments.length; number += 2) {
            for (int time = 0; time < 2; time++) {
                HttpRequest request = HttpRequest.newBuilder(URI.create(arguments[1] + arguments[number]))
                        .header("Content-Type", "application/json")
                        .header("Authorization", "Bearer " + arguments[0])
                        .POST(HttpRequest.BodyPublishers.ofString(arguments[number + 1]))
                        .build();
                HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
                System.out.println(answer.statusCode() + " " + answer.version() + " " + answer.body());
            }
        }
    }
}
