package app;

import java.io.IOException;
import java.io.InputStream;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.servlet.mvc.method.annotation.StreamingResponseBody;

@SpringBootApplication
@RestController
public class App {
    public static void main(String[] args) {
        SpringApplication.run(App.class, args);
    }

    @GetMapping("/hello")
    public Map<String, String> hello(
            @RequestParam(defaultValue = "world") String name, @RequestHeader("Core-Invocation-Id") String invocation) {
        return Map.of("hello", name, "invocation", invocation);
    }

    /** Reads a body of any size as it comes. */
    @PostMapping("/count")
    public Map<String, Long> count(InputStream body) throws IOException {
        byte[] buffer = new byte[65536];
        long bytes = 0;
        for (int length; (length = body.read(buffer)) != -1; ) {
            bytes += length;
        }
        return Map.of("bytes", bytes);
    }

    @GetMapping("/ticks")
    public ResponseEntity<StreamingResponseBody> ticks() {
        StreamingResponseBody body = out -> {
            for (int tick = 1; tick <= 3; tick++) {
                out.write(("data: " + tick + "\n\n").getBytes());
                out.flush();
                pause();
            }
        };
        return ResponseEntity.ok().contentType(MediaType.TEXT_EVENT_STREAM).body(body);
    }

    /** Schedules and messages come as a POST to `/`. */
    @PostMapping("/")
    public void job(@RequestHeader(name = "Core-Event-Type", defaultValue = "http") String type, InputStream body) throws IOException {
        System.out.println(type + ": " + new String(body.readAllBytes()));
    }

    private static void pause() {
        try {
            TimeUnit.MILLISECONDS.sleep(100);
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
    }
}
